// From operations as they were recorded to nodes of ONNX.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "autograd/describe.h"
#include "nn/module.h"
#include "record/onnx/graph.h"

namespace tweed::onnx {

/// Turns one operation after another into nodes. Maps of channels are (N, H, W, C) here and
/// (N, C, H, W) there: a value is turned where an operation wants it the other way.
class Exporter {
 public:
  Exporter(Graph& graph, Module& network);
  /// Names what the network gets: (N, H, W, C) here, (N, C, H, W) in the file.
  void input(const Tensor& x, const std::string& name);
  /// @throws Error  naming an operation that has no nodes here
  void add(const WatchedOperation& o);
  /// The name of a result, with its axes as here.
  std::string result(const Tensor& y);

 private:
  struct Value {
    std::string name;
    bool channels_first = false;
  };
  using Layer = void (Exporter::*)(const WatchedOperation&);
  static const std::map<std::string, Layer>& layers();

  Value value(const Tensor& t);
  std::string channels_first(const Tensor& t);
  std::string as_here(const Tensor& t);
  std::string constant(const Tensor& t);
  std::string buffer_beside(const Tensor& parameter, const std::string& name);
  void give(const Tensor& t, const std::string& name, bool channels_first);
  std::string relu_if(const WatchedOperation& o, const std::string& name);
  void same_layout(const WatchedOperation& o, const std::string& name);
  std::string reshaped(const std::string& name, const std::vector<int64_t>& sizes);

  void conv(const WatchedOperation& o);
  void conv_transpose(const WatchedOperation& o);
  void convolve(const char* kind, const WatchedOperation& o, bool turned);
  void linear(const WatchedOperation& o);
  void batch_norm(const WatchedOperation& o);
  void layer_norm(const WatchedOperation& o);
  void group_norm(const WatchedOperation& o);
  void rms_norm(const WatchedOperation& o);
  void softmax(const WatchedOperation& o);
  void prelu(const WatchedOperation& o);
  void max_pool(const WatchedOperation& o);
  void avg_pool(const WatchedOperation& o);
  void adaptive_avg(const WatchedOperation& o);
  void adaptive_max(const WatchedOperation& o);
  void mean(const WatchedOperation& o);
  void add_up(const WatchedOperation& o);
  void multiply(const WatchedOperation& o);
  void combine(const char* kind, const WatchedOperation& o);
  void concat(const WatchedOperation& o);
  void pad(const WatchedOperation& o);
  std::string wrapped(std::string x, const std::vector<int64_t>& amounts, const WatchedOperation& o,
                      bool images);
  void resize(const WatchedOperation& o);
  void flatten(const WatchedOperation& o);
  void reshape(const WatchedOperation& o);
  void activation(const WatchedOperation& o);
  void attention(const WatchedOperation& o);
  void window_attention(const WatchedOperation& o);
  std::string attend(const std::string& qkv, int64_t tokens, int64_t packed, int64_t heads);

  Graph& graph_;
  std::map<const void*, std::string> names_;   // of the network's tensors, by their memory
  std::map<std::string, Tensor> state_;        // and by name
  std::map<const void*, Value> values_;        // by what the graph of gradients hangs on them
  std::map<std::string, std::string> turned_;  // values that were turned, and what came of it
  int constants_ = 0;
};

}  // namespace tweed::onnx
