#include "nn/receptive_field.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

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

// A field along one axis. Transposed convolutions divide strides.
struct Extent {
  double side = 1, stride = 1;
  // After a window of `span` pixels, first to last.
  Extent windowed(int64_t span, int64_t step) const {
    return {side + double(span - 1) * stride, stride * double(step)};
  }
  // After a window turned round: a pixel of the result lies under every step-th tap.
  Extent spread(int64_t span, int64_t step) const {
    return {side + double((span - 1) / step) * stride, stride / double(step)};
  }
};
Extent larger(const Extent& a, const Extent& b) {
  return {std::max(a.side, b.side), std::max(a.stride, b.stride)};
}

// What a number of a map depends on.
struct Field {
  Extent rows, columns;
  bool whole = false;
  ReceptiveField rounded() const {
    const Extent both = larger(rows, columns);
    return {int64_t(both.side), std::max<int64_t>(1, std::llround(both.stride)), whole};
  }
};

class Fields {
 public:
  explicit Fields(const Tensor& input) { fields_[input.attachment().get()] = {}; }

  void add(const WatchedOperation& o) {
    Field field{{0, 1}, {0, 1}};
    for (auto& t : o.inputs) {
      const Field* of_input = find(t);
      if (of_input)
        field = {larger(field.rows, of_input->rows), larger(field.columns, of_input->columns),
                 field.whole || of_input->whole};
    }
    if (field.rows.side > 0) fields_[o.output.attachment().get()] = after(o, field);
  }
  const Field* find(const Tensor& t) const {
    if (!t.defined() || !t.attachment()) return nullptr;
    const auto found = fields_.find(t.attachment().get());
    return found == fields_.end() ? nullptr : &found->second;
  }

 private:
  static Field after(const WatchedOperation& o, Field field) {
    const Tensor& x = o.inputs.at(0);
    if (o.name == "conv2d" || o.name == "conv1d") {
      const auto [rows, columns] = spans(o);
      return {field.rows.windowed(rows, number(o, "stride", 0)),
              field.columns.windowed(columns, number(o, "stride", 1)), field.whole};
    }
    if (o.name == "conv_transpose2d" || o.name == "conv_transpose1d") {
      const auto [rows, columns] = spans(o);
      return {field.rows.spread(rows, number(o, "stride", 0)),
              field.columns.spread(columns, number(o, "stride", 1)), field.whole};
    }
    if (o.name.ends_with("_pool2d") && o.attributes.contains("kernel")) {
      auto span = [&](std::size_t axis) {
        return number(o, "dilation", axis) * (number(o, "kernel", axis) - 1) + 1;
      };
      return {field.rows.windowed(span(0), number(o, "stride", 0)),
              field.columns.windowed(span(1), number(o, "stride", 1)), field.whole};
    }
    if (o.name == "window_attention") {  // all places of a window see each other
      const int64_t window = number(o, "window", 0);
      return {field.rows.windowed(window, 1), field.columns.windowed(window, 1), field.whole};
    }
    // The opposite side.
    const bool wraps =
        o.name == "pad" && o.attributes.at("mode").at(0) == double(PadMode::circular);
    const bool one_place = x.ndim() == 4 && x.dim(1) == 1 && x.dim(2) == 1;
    if (wraps || (!pointwise.contains(o.name) && !one_place)) field.whole = true;
    return field;
  }
  static int64_t number(const WatchedOperation& o, const char* name, std::size_t i) {
    return int64_t(o.attributes.at(name).at(i));
  }
  // Pixels from the first to the last tap of a convolution: (A, KH, KW, B), or (A, K, B).
  static std::pair<int64_t, int64_t> spans(const WatchedOperation& o) {
    const Tensor& weight = o.inputs.at(1);
    const int64_t rows = weight.ndim() == 4 ? weight.dim(1) : 1, columns = weight.dim(-2);
    return {number(o, "dilation", 0) * (rows - 1) + 1,
            number(o, "dilation", 1) * (columns - 1) + 1};
  }

  std::map<const void*, Field> fields_;
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
    if (const Field* field = fields.find(y)) result[name] = field->rounded();
  return result;
}

}  // namespace tweed
