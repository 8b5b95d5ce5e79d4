#include "nn/receptive_field.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "autograd/describe.h"
#include "kernels/pad.h"
#include "nn/trial.h"

namespace tweed {
namespace {

// Of operations that look at no place but their own. What is on no list here may mix all places.
const std::set<std::string> pointwise{
    "abs",         "add",          "add_scalar",    "batch_norm", "cast",       "clamp",
    "clamp_max",   "clamp_min",    "concat",        "div",        "dropout",    "elu",
    "exp",         "gelu",         "gelu_tanh",     "hardswish",  "layer_norm", "leaky_relu",
    "linear",      "log",          "maximum",       "minimum",    "mish",       "mul",
    "pad",         "pow",          "relu",          "scale",      "sigmoid",    "relu6",
    "hardsigmoid", "hardtanh_low", "hardtanh_high", "prelu",      "rms_norm",   "softmax",
    "log_softmax", "silu",         "softplus",      "sqrt",       "sub",        "tanh",
    "where"};

class Fields {
 public:
  explicit Fields(const Tensor& input) { fields_[input.attachment().get()] = {}; }

  void add(const WatchedOperation& o) {
    ReceptiveField field{0, 1, false};
    for (auto& t : o.inputs) {
      const ReceptiveField* of_input = find(t);
      if (of_input) field = larger(field, *of_input);
    }
    if (field.side) fields_[o.output.attachment().get()] = after(o, field);
  }
  const ReceptiveField* find(const Tensor& t) const {
    if (!t.defined() || !t.attachment()) return nullptr;
    const auto found = fields_.find(t.attachment().get());
    return found == fields_.end() ? nullptr : &found->second;
  }

 private:
  static ReceptiveField larger(const ReceptiveField& a, const ReceptiveField& b) {
    return {std::max(a.side, b.side), std::max(a.stride, b.stride), a.whole || b.whole};
  }
  static ReceptiveField after(const WatchedOperation& o, ReceptiveField field) {
    const Tensor& x = o.inputs.at(0);
    if (o.name == "conv2d") return windowed(field, o.inputs.at(1).dim(1), o);
    if (o.name.ends_with("_pool2d") && o.attributes.contains("kernel")) {
      const auto &kernel = o.attributes.at("kernel"), &dilation = o.attributes.at("dilation");
      const double h = dilation[0] * (kernel[0] - 1), w = dilation[1] * (kernel[1] - 1);
      return windowed(field, int64_t(std::max(h, w)) + 1, o);
    }
    if (o.name == "window_attention") {  // all places of a window see each other
      field.side += (int64_t(o.attributes.at("window").at(0)) - 1) * field.stride;
      return field;
    }
    // The opposite side.
    const bool wraps =
        o.name == "pad" && o.attributes.at("mode").at(0) == double(PadMode::circular);
    const bool one_place = x.ndim() == 4 && x.dim(1) == 1 && x.dim(2) == 1;
    if (wraps || (!pointwise.contains(o.name) && !one_place)) field.whole = true;
    return field;
  }
  static ReceptiveField windowed(ReceptiveField field, int64_t kernel, const WatchedOperation& o) {
    field.side += (kernel - 1) * field.stride;
    const auto& stride = o.attributes.at("stride");
    field.stride *= int64_t(*std::max_element(stride.begin(), stride.end()));
    return field;
  }

  std::map<const void*, ReceptiveField> fields_;
};

}  // namespace

std::map<std::string, ReceptiveField> receptive_fields(Module& network, const Shape& input) {
  std::map<std::string, Tensor> outputs;
  std::vector<ScopedHook> hooks;
  for (auto& [name, module] : network.modules())
    hooks.emplace_back(*module, module->on_output([&outputs, name = name](const Tensor& y) {
      outputs[name] = y;
      return Tensor();
    }));
  const Tensor x = require_grad(zeros_for(network, input));
  OperationWatch watch;
  try_out(network, x);
  Fields fields(x);
  for (auto& operation : watch.operations()) fields.add(operation);
  std::map<std::string, ReceptiveField> result;
  for (auto& [name, y] : outputs)
    if (const ReceptiveField* field = fields.find(y)) result[name] = *field;
  return result;
}

}  // namespace tweed
