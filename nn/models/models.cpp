#include "nn/models/models.h"

#include <map>

#include "kernels/machine/suggest.h"
#include "nn/init.h"
#include "nn/models/sequential.h"

namespace tweed {

using Models = std::map<std::string, std::function<ModulePtr(const ModelOptions&)>>;

static Models& table() {
#define ROW(name) \
  { #name, name }
  static Models models{
      ROW(cifar_5x5),    ROW(conv_only), ROW(conv_only_cured), ROW(conv_only_deep),
      ROW(inception),    ROW(mish_deep), ROW(mish_net),        ROW(mish_net_bn),
      ROW(resnet18),     ROW(resnet20),  ROW(resnet32),        ROW(resnet34),
      ROW(resnet44),     ROW(resnet50),  ROW(resnet56),        ROW(simplenet),
      ROW(simplenet_bn), ROW(simplevit), ROW(squeezenet1_0),   ROW(squeezenet1_0_caffe)};
#undef ROW
  return models;
}

ModulePtr make_model(const std::string& name, const ModelOptions& options) {
  if (is_json_model(name)) return sequential_model(name, model_description(name), options);
  auto found = table().find(name);
  if (found != table().end()) {
    const InitSeed seed(options.seed);
    return found->second(options);
  }
  std::string known;
  for (auto& m : model_names()) known += (known.empty() ? "" : ", ") + m;
  throw Error("there is no model " + in_quotes(name) + "; there are " + known + ", and JSON files" +
              did_you_mean(name, model_names()));
}
void register_model(const std::string& name, std::function<ModulePtr(const ModelOptions&)> make) {
  if (is_json_model(name)) throw Error("a model cannot be called " + in_quotes(name));
  if (!table().emplace(name, std::move(make)).second)
    throw Error("there is a model " + in_quotes(name) + " already");
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (auto& [name, make] : table()) names.push_back(name);
  return names;
}

}  // namespace tweed
