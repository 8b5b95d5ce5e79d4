// Functions of single numbers, attention, which takes many nodes, and the export as a whole.
#include <cmath>

#include "autograd/graph.h"
#include "data/whole_file.h"
#include "nn/eval_mode.h"
#include "record/onnx/export.h"
#include "record/onnx/exporter.h"

namespace tweed {
namespace onnx {

void Exporter::activation(const WatchedOperation& o) {
  const std::string x = value(o.inputs[0]).name;
  const double p = o.attributes.at("p").at(0);
  const auto times = [&](const std::string& a, const std::string& b) {
    return graph_.node("Mul", {a, b});
  };
  const auto gelu = [&] {  // x / 2 (1 + erf(x / sqrt(2)))
    const std::string erf = graph_.node("Erf", {times(x, graph_.number(float(std::sqrt(0.5))))});
    return times(times(x, graph_.number(0.5f)), graph_.node("Add", {erf, graph_.number(1)}));
  };
  const auto gelu_by_tanh = [&] {  // x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
    const std::string cube = times(times(times(x, x), x), graph_.number(0.044715f));
    const std::string inner =
        times(graph_.node("Add", {x, cube}), graph_.number(float(std::sqrt(2 / M_PI))));
    const std::string tanh = graph_.node("Tanh", {inner});
    return times(times(x, graph_.number(0.5f)), graph_.node("Add", {tanh, graph_.number(1)}));
  };
  static const std::map<std::string, const char*> plain = {{"relu", "Relu"},
                                                           {"sigmoid", "Sigmoid"},
                                                           {"tanh", "Tanh"},
                                                           {"softplus", "Softplus"},
                                                           {"hardswish", "HardSwish"}};
  if (auto found = plain.find(o.name); found != plain.end())
    same_layout(o, graph_.node(found->second, {x}));
  else if (o.name == "scale")
    same_layout(o, times(x, graph_.number(float(p))));
  else if (o.name == "add_scalar")
    same_layout(o, graph_.node("Add", {x, graph_.number(float(p))}));
  else if (o.name == "clamp_min" || o.name == "clamp_max")
    same_layout(o,
                graph_.node(o.name == "clamp_min" ? "Max" : "Min", {x, graph_.number(float(p))}));
  else if (o.name == "leaky_relu")
    same_layout(o, graph_.node("LeakyRelu", {x}, {{"alpha", p}}));
  else if (o.name == "elu")
    same_layout(o, graph_.node("Elu", {x}, {{"alpha", p}}));
  else if (o.name == "relu6")
    same_layout(o, graph_.node("Clip", {x, graph_.number(0), graph_.number(6)}));
  else if (o.name == "hardtanh_low")
    same_layout(o, graph_.node("Max", {x, graph_.number(float(p))}));
  else if (o.name == "hardtanh_high")
    same_layout(o, graph_.node("Min", {x, graph_.number(float(p))}));
  else if (o.name == "hardsigmoid")
    same_layout(o, graph_.node("HardSigmoid", {x}, {{"alpha", 1. / 6}, {"beta", 0.5}}));
  else if (o.name == "silu")
    same_layout(o, times(x, graph_.node("Sigmoid", {x})));
  else if (o.name == "mish")
    same_layout(o, times(x, graph_.node("Tanh", {graph_.node("Softplus", {x})})));
  else if (o.name == "gelu_tanh")
    same_layout(o, gelu_by_tanh());
  else
    same_layout(o, gelu());
}

// x * weight / sqrt(mean of x^2 + eps) over channels, which come last for it.
void Exporter::rms_norm(const WatchedOperation& o) {
  const std::string x = as_here(o.inputs[0]);
  const auto eps = float(o.attributes.at("eps").at(0));
  const std::string mean =
      graph_.node("ReduceMean", {graph_.node("Mul", {x, x})},
                  {{"axes", std::vector<int64_t>{-1}}, {"keepdims", int64_t(1)}});
  const std::string root = graph_.node("Sqrt", {graph_.node("Add", {mean, graph_.number(eps)})});
  const std::string y = graph_.node("Div", {x, root});
  give(o.output, graph_.node("Mul", {y, constant(o.inputs[1])}), false);
}

// Over channels, wherever they are.
void Exporter::softmax(const WatchedOperation& o) {
  const Value x = value(o.inputs[0]);
  const bool second = x.channels_first && o.output.ndim() == 4;
  same_layout(o, graph_.node(o.name == "softmax" ? "Softmax" : "LogSoftmax", {x.name},
                             {{"axis", int64_t(second ? 1 : -1)}}));
}

// Slopes of channels stand against them.
void Exporter::prelu(const WatchedOperation& o) {
  const Value x = value(o.inputs[0]);
  const Tensor& slope = o.inputs[1];
  const bool second = x.channels_first && o.output.ndim() == 4 && slope.size() > 1;
  const std::string slopes =
      second ? reshaped(constant(slope), {slope.size(), 1, 1}) : constant(slope);
  same_layout(o, graph_.node("PRelu", {x.name, slopes}));
}

// (N, tokens, 3 x heads x D) to (N, tokens, heads x D).
std::string Exporter::attend(const std::string& qkv, int64_t tokens, int64_t packed,
                             int64_t heads) {
  using Axes = std::vector<int64_t>;
  const int64_t C = packed / 3, D = C / heads;
  const std::string apart = graph_.node("Transpose", {reshaped(qkv, {0, tokens, 3, heads, D})},
                                        {{"perm", Axes{2, 0, 3, 1, 4}}});
  const auto parts = graph_.nodes("Split", {apart}, {{"axis", int64_t(0)}}, 3);
  std::vector<std::string> qkv_parts;  // (N, heads, tokens, D) each
  for (auto& part : parts) qkv_parts.push_back(graph_.node("Squeeze", {part, graph_.wholes({0})}));
  const std::string keys = graph_.node("Transpose", {qkv_parts[1]}, {{"perm", Axes{0, 1, 3, 2}}});
  const std::string scaled =
      graph_.node("Mul", {qkv_parts[0], graph_.number(float(1 / std::sqrt(double(D))))});
  const std::string weights =
      graph_.node("Softmax", {graph_.node("MatMul", {scaled, keys})}, {{"axis", int64_t(-1)}});
  const std::string y = graph_.node("MatMul", {weights, qkv_parts[2]});
  return reshaped(graph_.node("Transpose", {y}, {{"perm", Axes{0, 2, 1, 3}}}), {0, tokens, C});
}

void Exporter::attention(const WatchedOperation& o) {
  const Tensor& qkv = o.inputs[0];
  give(o.output, attend(as_here(qkv), qkv.dim(1), qkv.dim(2), int64_t(o.attributes.at("heads")[0])),
       false);
}

// Windows become samples of their own, and go back to their places.
void Exporter::window_attention(const WatchedOperation& o) {
  const Tensor& qkv = o.inputs[0];
  const auto& window = o.attributes.at("window");
  const int64_t H = qkv.dim(1), W = qkv.dim(2), packed = qkv.dim(3), h = int64_t(window[0]),
                w = int64_t(window[1]);
  if (H % h || W % w)
    throw Error("[onnx] window_attention with windows cut at the border has no nodes here");
  const std::vector<int64_t> exchange = {0, 1, 3, 2, 4, 5};
  std::string y = reshaped(as_here(qkv), {0, H / h, h, W / w, w, packed});
  y = reshaped(graph_.node("Transpose", {y}, {{"perm", exchange}}), {-1, h * w, packed});
  y = attend(y, h * w, packed, int64_t(o.attributes.at("heads")[0]));
  y = reshaped(y, {-1, H / h, W / w, h, w, packed / 3});
  y = reshaped(graph_.node("Transpose", {y}, {{"perm", exchange}}), {-1, H, W, packed / 3});
  give(o.output, y, false);
}

}  // namespace onnx

void save_onnx(const std::string& path, Module& network, const CheckpointInfo& info, WeightsAs as) {
  constexpr int64_t images = 3;  // no size of a layer, so that it can be told from them
  const int64_t size = info.image_size;
  const EvalMode eval(network);
  const Tensor x = Tensor::zeros({images, size, size, 3}, DType::float32, network.device());
  require_grad(x);
  const OperationWatch watch;
  const Tensor y = network(x);
  onnx::Graph graph(as == WeightsAs::half);
  onnx::Exporter exporter(graph, network);
  exporter.input(x, "images");
  for (auto& operation : watch.operations()) exporter.add(operation);
  WholeFile file(path);
  file.write(graph.file("images", {0, 3, size, size}, exporter.result(y), "logits", {0, y.dim(1)},
                        metadata_of(info)));
  file.commit();
}

}  // namespace tweed
