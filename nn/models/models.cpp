#include "nn/models/models.h"

#include <map>

namespace tweed {

static const std::map<std::string, ModulePtr (*)(const ModelOptions&)>& table() {
  static const std::map<std::string, ModulePtr (*)(const ModelOptions&)> models{
      {"simplenet", simplenet}, {"simplenet_bn", simplenet_bn}};
  return models;
}

ModulePtr make_model(const std::string& name, const ModelOptions& options) {
  auto found = table().find(name);
  if (found != table().end()) return found->second(options);
  std::string known;
  for (auto& m : model_names()) known += (known.empty() ? "" : ", ") + m;
  throw Error("there is no model '" + name + "'; there are " + known);
}
std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (auto& [name, make] : table()) names.push_back(name);
  return names;
}

}  // namespace tweed
