#include "nn/models/models.h"

#include <map>

#include "nn/models/sequential.h"

namespace tweed {

static const std::map<std::string, ModulePtr (*)(const ModelOptions&)>& table() {
#define ROW(name) \
  { #name, name }
  static const std::map<std::string, ModulePtr (*)(const ModelOptions&)> models{
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
  if (found != table().end()) return found->second(options);
  std::string known;
  for (auto& m : model_names()) known += (known.empty() ? "" : ", ") + m;
  throw Error("there is no model " + in_quotes(name) + "; there are " + known + ", and JSON files");
}
std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (auto& [name, make] : table()) names.push_back(name);
  return names;
}

}  // namespace tweed
