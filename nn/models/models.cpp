#include "nn/models/models.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "kernels/machine/suggest.h"
#include "nn/init.h"
#include "nn/models/sequential.h"

namespace tweed {

namespace {

struct Model {
  std::function<ModulePtr(const ModelOptions&)> make;
  Preprocessing preprocessing;  // of the weights that there are in the world
};
using Models = std::map<std::string, Model>;

constexpr Normalization bytes{.mean = {123 / 255.f, 117 / 255.f, 104 / 255.f},
                              .std = {1 / 255.f, 1 / 255.f, 1 / 255.f}};
constexpr Normalization halves{.mean = {0.5f, 0.5f, 0.5f}, .std = {0.5f, 0.5f, 0.5f}};

// torchvision's weights.
constexpr Preprocessing imagenet{.published = true};
constexpr Preprocessing convnext{.resize = 236, .published = true};
// torchvision's GoogLeNet normalises what it gets once more (transform_input); this is both at
// once.
constexpr Preprocessing googlenet{.normalization = halves, .published = true};
// The authors' weights, made with Caffe: pixels in 0..255 less a mean.
constexpr Preprocessing caffe{.crop = 227, .normalization = bytes, .published = true};
// akamaster/pytorch_resnet_cifar10, whose weights these are: with ImageNet's mean and deviation.
constexpr Preprocessing cifar10{.resize = 32, .crop = 32, .published = true};
// kuangliu/pytorch-cifar, and xternalz/WideResNet-pytorch: the mean of CIFAR-10's pixels and, in
// the first, not quite their deviation.
constexpr Normalization of_kuangliu{.mean = {0.4914f, 0.4822f, 0.4465f},
                                    .std = {0.2023f, 0.1994f, 0.2010f}};
constexpr Normalization of_wide{.mean = {125.3f / 255, 123.0f / 255, 113.9f / 255},
                                .std = {63.0f / 255, 62.1f / 255, 66.7f / 255}};
constexpr Preprocessing kuangliu{
    .resize = 32, .crop = 32, .normalization = of_kuangliu, .published = true};
constexpr Preprocessing wide{.resize = 32, .crop = 32, .normalization = of_wide, .published = true};
// The coursework's validation images.
constexpr Preprocessing miniplaces{.resize = 144, .crop = 128, .published = true};
// Networks of exercises: everybody normalises as they like, but the size is CIFAR-10's.
constexpr Preprocessing exercise{.resize = 32, .crop = 32};

Models& table() {
#define ROW(name, preprocessing)   \
  {                                \
#name, { name, preprocessing } \
  }
  static Models models{ROW(cifar_5x5, exercise),       ROW(conv_only, exercise),
                       ROW(conv_only_cured, exercise), ROW(conv_only_deep, exercise),
                       ROW(conv_only_dirac, exercise), ROW(convnext_tiny, convnext),
                       ROW(densenet121, imagenet),     ROW(efficientnet_b0, imagenet),
                       ROW(inception, googlenet),      ROW(mish_deep, exercise),
                       ROW(mish_net, exercise),        ROW(mish_net_bn, exercise),
                       ROW(mobilenet_v2, imagenet),    ROW(preact_resnet18, kuangliu),
                       ROW(resnet18, imagenet),        ROW(resnet20, cifar10),
                       ROW(resnet32, cifar10),         ROW(resnet34, imagenet),
                       ROW(resnet44, cifar10),         ROW(resnet50, imagenet),
                       ROW(resnet56, cifar10),         ROW(simplenet, miniplaces),
                       ROW(simplenet_bn, miniplaces),  ROW(simplevit, miniplaces),
                       ROW(squeezenet1_0, imagenet),   ROW(squeezenet1_0_caffe, caffe),
                       ROW(vgg11_bn, imagenet),        ROW(vgg16_bn, imagenet),
                       ROW(wide_resnet28_10, wide)};
#undef ROW
  return models;
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-' || c == '.';
  });
}

// The row of a name. @throws Error  naming what there is
const Models::value_type& row_of(const std::string& name) {
  auto found = table().find(name);
  if (found != table().end()) return *found;
  std::string known;
  for (auto& m : model_names()) known += (known.empty() ? "" : ", ") + m;
  throw Error("there is no model " + in_quotes(name) + "; there are " + known + ", and JSON files" +
              did_you_mean(name, model_names()));
}

}  // namespace

ModulePtr make_model(const std::string& name, const ModelOptions& options) {
  if (is_json_model(name)) return sequential_model(name, model_description(name), options);
  auto& make = row_of(name).second.make;
  const InitSeed seed(options.seed);
  ModulePtr network = make(options);
  if (!network) throw Error("what was registered as model " + in_quotes(name) + " makes none");
  return network;
}
void check_model_name(const std::string& name) {
  if (is_json_model(name))
    make_model(name, {});  // a description is checked by following it
  else
    row_of(name);
}
void register_model(const std::string& name, std::function<ModulePtr(const ModelOptions&)> make,
                    const Preprocessing& preprocessing) {
  // A file holds the name, and what looks like a path is called by its last part.
  if (is_json_model(name) || !is_plain_name(name))
    throw Error("a model cannot be called " + in_quotes(name) +
                ": letters, digits, '_', '-' and '.' go");
  if (!table().emplace(name, Model{std::move(make), preprocessing}).second)
    throw Error("there is a model " + in_quotes(name) + " already");
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (auto& [name, model] : table()) names.push_back(name);
  return names;
}

Preprocessing preprocessing_of(const std::string& model) {
  auto found = table().find(model);
  return found == table().end() ? Preprocessing() : found->second.preprocessing;
}

}  // namespace tweed
