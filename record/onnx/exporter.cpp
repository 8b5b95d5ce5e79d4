#include "record/onnx/exporter.h"

#include <algorithm>

#include "record/checkpoint.h"

namespace tweed::onnx {
namespace {

const void* memory_of(const Tensor& t) {
  return with_type(t.dtype(), [&]<class T>() -> const void* { return t.read<T>().data(); });
}

double number(const WatchedOperation& o, const char* name) { return o.attributes.at(name).at(0); }
int64_t whole(const WatchedOperation& o, const char* name) { return int64_t(number(o, name)); }
std::vector<int64_t> wholes(const WatchedOperation& o, const char* name) {
  const auto& all = o.attributes.at(name);
  return {all.begin(), all.end()};
}

}  // namespace

Exporter::Exporter(Graph& graph, Module& network) : graph_(graph) {
  for (auto& [name, t] : network.state()) {
    names_[memory_of(t)] = name;
    state_[name] = t;
  }
}

const std::map<std::string, Exporter::Layer>& Exporter::layers() {
  using E = Exporter;
  static const std::map<std::string, Layer> table = {{"conv2d", &E::conv},
                                                     {"conv1d", &E::conv},
                                                     {"conv_transpose2d", &E::conv_transpose},
                                                     {"conv_transpose1d", &E::conv_transpose},
                                                     {"linear", &E::linear},
                                                     {"batch_norm", &E::batch_norm},
                                                     {"layer_norm", &E::layer_norm},
                                                     {"group_norm", &E::group_norm},
                                                     {"rms_norm", &E::rms_norm},
                                                     {"softmax", &E::softmax},
                                                     {"log_softmax", &E::softmax},
                                                     {"prelu", &E::prelu},
                                                     {"max_pool2d", &E::max_pool},
                                                     {"avg_pool2d", &E::avg_pool},
                                                     {"adaptive_avg_pool2d", &E::adaptive_avg},
                                                     {"adaptive_max_pool2d", &E::adaptive_max},
                                                     {"mean", &E::mean},
                                                     {"add", &E::add_up},
                                                     {"mul", &E::multiply},
                                                     {"concat", &E::concat},
                                                     {"pad", &E::pad},
                                                     {"resize_bilinear", &E::resize},
                                                     {"resize_bicubic", &E::resize},
                                                     {"resize_nearest", &E::resize},
                                                     {"flatten", &E::flatten},
                                                     {"reshape", &E::reshape},
                                                     {"attention", &E::attention},
                                                     {"window_attention", &E::window_attention},
                                                     {"scale", &E::activation},
                                                     {"add_scalar", &E::activation},
                                                     {"clamp_min", &E::activation},
                                                     {"clamp_max", &E::activation},
                                                     {"relu", &E::activation},
                                                     {"leaky_relu", &E::activation},
                                                     {"elu", &E::activation},
                                                     {"sigmoid", &E::activation},
                                                     {"tanh", &E::activation},
                                                     {"gelu", &E::activation},
                                                     {"silu", &E::activation},
                                                     {"mish", &E::activation},
                                                     {"softplus", &E::activation},
                                                     {"gelu_tanh", &E::activation},
                                                     {"hardswish", &E::activation},
                                                     {"hardsigmoid", &E::activation},
                                                     {"relu6", &E::activation},
                                                     {"hardtanh_low", &E::activation},
                                                     {"hardtanh_high", &E::activation}};
  return table;
}

void Exporter::add(const WatchedOperation& o) {
  const auto found = layers().find(o.name);
  if (found == layers().end()) throw Error("[onnx] " + o.name + " has no node that is known here");
  (this->*found->second)(o);
}

// ---- values ------------------------------------------------------------------------------------

void Exporter::give(const Tensor& t, const std::string& name, bool channels_first) {
  values_[t.attachment().get()] = {name, channels_first};
}

void Exporter::input(const Tensor& x, const std::string& name) { give(x, name, true); }

std::string Exporter::result(const Tensor& y) { return as_here(y); }

Exporter::Value Exporter::value(const Tensor& t) {
  const auto found = t.attachment() ? values_.find(t.attachment().get()) : values_.end();
  return found == values_.end() ? Value{constant(t), false} : found->second;
}

std::string Exporter::constant(const Tensor& t) {
  const auto found = names_.find(memory_of(t));
  const std::string name =
      found == names_.end() ? "constant_" + std::to_string(constants_++) : found->second;
  return graph_.constant(name, t);
}

std::string Exporter::channels_first(const Tensor& t) {
  const Value v = value(t);
  if (v.channels_first || t.ndim() < 3 || t.ndim() > 4) return v.name;
  const std::vector<int64_t> perm =
      t.ndim() == 4 ? std::vector<int64_t>{0, 3, 1, 2} : std::vector<int64_t>{0, 2, 1};
  std::string& turned = turned_[v.name];
  if (turned.empty()) turned = graph_.node("Transpose", {v.name}, {{"perm", perm}});
  return turned;
}

std::string Exporter::as_here(const Tensor& t) {
  const Value v = value(t);
  if (!v.channels_first) return v.name;
  const std::vector<int64_t> perm =
      t.ndim() == 4 ? std::vector<int64_t>{0, 2, 3, 1} : std::vector<int64_t>{0, 2, 1};
  std::string& turned = turned_[v.name];
  if (turned.empty()) turned = graph_.node("Transpose", {v.name}, {{"perm", perm}});
  return turned;
}

// Another tensor of the layer that a parameter is of.
std::string Exporter::buffer_beside(const Tensor& parameter, const std::string& name) {
  const auto found = names_.find(memory_of(parameter));
  if (found == names_.end()) throw Error("[onnx] a norm's weight is no parameter of the network");
  const std::string full = found->second.substr(0, found->second.rfind('.') + 1) + name;
  return graph_.constant(full, state_.at(full));
}

std::string Exporter::relu_if(const WatchedOperation& o, const std::string& name) {
  return whole(o, "relu") ? graph_.node("Relu", {name}) : name;
}

// For operations on each number, or on channels, which stay where they are.
void Exporter::same_layout(const WatchedOperation& o, const std::string& name) {
  give(o.output, name, value(o.inputs[0]).channels_first);
}

std::string Exporter::reshaped(const std::string& name, const std::vector<int64_t>& sizes) {
  return graph_.node("Reshape", {name, graph_.wholes(sizes)});
}

// ---- layers ------------------------------------------------------------------------------------

void Exporter::conv(const WatchedOperation& o) { convolve("Conv", o, false); }
void Exporter::conv_transpose(const WatchedOperation& o) { convolve("ConvTranspose", o, true); }

// Of images, or of sequences, whose attributes are of columns alone: a row has nothing to say.
void Exporter::convolve(const char* kind, const WatchedOperation& o, bool turned) {
  const Tensor& weight = o.inputs[1];
  const auto found = names_.find(memory_of(weight));
  if (found == names_.end()) throw Error("[onnx] a convolution's weight is no parameter");
  const bool images = o.inputs[0].ndim() == 4;
  const int64_t rows = weight.ndim() == 4 ? weight.dim(1) : 1, columns = weight.dim(-2);
  Tensor filters = to_file_axes(weight.reshape({weight.dim(0), rows, columns, weight.dim(-1)}));
  if (!images) filters = filters.reshape({filters.dim(0), filters.dim(1), columns});
  std::vector<std::string> inputs = {channels_first(o.inputs[0]),
                                     graph_.constant(found->second, filters)};
  if (o.inputs[2].defined()) inputs.push_back(constant(o.inputs[2]));
  auto of_axes = [&](std::vector<int64_t> values) {  // rows and columns in turn
    if (images) return values;
    std::vector<int64_t> columns_alone;
    for (std::size_t i = 1; i < values.size(); i += 2) columns_alone.push_back(values[i]);
    return columns_alone;
  };
  std::vector<Attribute> attributes = {{"kernel_shape", of_axes({rows, columns})},
                                       {"strides", of_axes(wholes(o, "stride"))},
                                       {"pads", of_axes(wholes(o, "padding"))}};
  if (const auto d = wholes(o, "dilation"); d != std::vector<int64_t>{1, 1})
    attributes.push_back({"dilations", of_axes(d)});
  if (whole(o, "groups") != 1) attributes.push_back({"group", whole(o, "groups")});
  if (turned) attributes.push_back({"output_padding", of_axes(wholes(o, "output_padding"))});
  give(o.output, relu_if(o, graph_.node(kind, inputs, attributes)), true);
}

void Exporter::linear(const WatchedOperation& o) {
  const std::string x = as_here(o.inputs[0]), weight = constant(o.inputs[1]);
  std::string y;
  if (o.inputs[0].ndim() == 2) {
    std::vector<std::string> inputs = {x, weight};
    if (o.inputs[2].defined()) inputs.push_back(constant(o.inputs[2]));
    y = graph_.node("Gemm", inputs, {{"transB", int64_t(1)}});
  } else {
    std::string& turned = turned_[weight];
    if (turned.empty())
      turned = graph_.node("Transpose", {weight}, {{"perm", std::vector<int64_t>{1, 0}}});
    y = graph_.node("MatMul", {x, turned});
    if (o.inputs[2].defined()) y = graph_.node("Add", {y, constant(o.inputs[2])});
  }
  give(o.output, relu_if(o, y), false);
}

void Exporter::batch_norm(const WatchedOperation& o) {
  const Tensor& weight = o.inputs[1];
  const std::string y =
      graph_.node("BatchNormalization",
                  {channels_first(o.inputs[0]), constant(weight), constant(o.inputs[2]),
                   buffer_beside(weight, "running_mean"), buffer_beside(weight, "running_var")},
                  {{"epsilon", number(o, "eps")}});
  give(o.output, relu_if(o, y), o.output.ndim() >= 3);
}

void Exporter::layer_norm(const WatchedOperation& o) {
  give(o.output,
       graph_.node("LayerNormalization",
                   {as_here(o.inputs[0]), constant(o.inputs[1]), constant(o.inputs[2])},
                   {{"axis", int64_t(-1)}, {"epsilon", number(o, "eps")}}),
       false);
}

// As a normalisation of each group as one channel.
void Exporter::group_norm(const WatchedOperation& o) {
  const int64_t groups = whole(o, "groups"), channels = o.output.dim(-1);
  if (o.output.ndim() != 4) throw Error("[onnx] group_norm is known for images alone");
  const Tensor one = Tensor::full({groups}, 1), zero = Tensor::zeros({groups});
  const std::string number_of = std::to_string(groups);
  std::string y = graph_.node(
      "InstanceNormalization",
      {reshaped(channels_first(o.inputs[0]), {0, groups, -1}),
       graph_.constant("ones_" + number_of, one), graph_.constant("zeros_" + number_of, zero)},
      {{"epsilon", number(o, "eps")}});
  y = reshaped(y, {0, channels, o.output.dim(1), o.output.dim(2)});
  const auto along = [&](const Tensor& t) { return reshaped(constant(t), {channels, 1, 1}); };
  y = graph_.node("Mul", {y, along(o.inputs[1])});
  give(o.output, graph_.node("Add", {y, along(o.inputs[2])}), true);
}

void Exporter::mean(const WatchedOperation& o) {
  const int64_t axes = whole(o, "axes"), of_images = 1 << 1 | 1 << 2;
  const Value x = value(o.inputs[0]);
  if (x.channels_first && axes == of_images && !whole(o, "keep")) {
    const std::string y = graph_.node("GlobalAveragePool", {x.name});
    return give(o.output, graph_.node("Flatten", {y}, {{"axis", int64_t(1)}}), false);
  }
  std::vector<int64_t> list;
  for (int64_t axis = 0; axis < o.inputs[0].ndim(); ++axis)
    if (axes >> axis & 1) list.push_back(axis);
  give(o.output,
       graph_.node("ReduceMean", {as_here(o.inputs[0])},
                   {{"axes", list}, {"keepdims", whole(o, "keep")}}),
       false);
}

void Exporter::add_up(const WatchedOperation& o) { combine("Add", o); }
void Exporter::multiply(const WatchedOperation& o) { combine("Mul", o); }

// Images stay where they are, and so do maps of one pixel beside them.
void Exporter::combine(const char* kind, const WatchedOperation& o) {
  const Tensor &a = o.inputs[0], &b = o.inputs[1];
  if (a.ndim() == b.ndim() && value(a).channels_first && value(b).channels_first)
    return give(o.output, graph_.node(kind, {value(a).name, value(b).name}), true);
  give(o.output, graph_.node(kind, {as_here(a), as_here(b)}), false);
}

void Exporter::concat(const WatchedOperation& o) {
  const int64_t axis = whole(o, "axis");
  const bool images = o.output.ndim() == 4 && axis == 3;
  std::vector<std::string> inputs;
  for (auto& t : o.inputs) inputs.push_back(images ? channels_first(t) : as_here(t));
  give(o.output, graph_.node("Concat", inputs, {{"axis", images ? int64_t(1) : axis}}), images);
}

void Exporter::flatten(const WatchedOperation& o) {
  give(o.output, graph_.node("Flatten", {channels_first(o.inputs[0])}, {{"axis", int64_t(1)}}),
       false);
}

// A first axis that stays is that of images, of which there may be any number.
void Exporter::reshape(const WatchedOperation& o) {
  const Shape &from = o.inputs[0].shape(), &to = o.output.shape();
  std::vector<int64_t> sizes(to.begin(), to.end());
  if (from.ndim() > 0 && !sizes.empty() && from[0] == sizes[0]) sizes[0] = 0;
  give(o.output, reshaped(as_here(o.inputs[0]), sizes), false);
}

}  // namespace tweed::onnx
