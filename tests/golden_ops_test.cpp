// Every operation against PyTorch: golden/ops.safetensors, described in golden/README.md.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "autograd/conv.h"
#include "autograd/dispatch.h"
#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/matmul.h"
#include "autograd/norm.h"
#include "autograd/pool.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "record/safetensors.h"
#include "tests/support.h"

namespace tweed {
namespace {

using nlohmann::json;

const SafeTensors& golden() {
  static const SafeTensors content =
      read_safetensors(TWEED_SOURCE_DIR "/tests/golden/ops.safetensors");
  return content;
}

// (Co, Ci, K, K) to (Co, K, K, Ci) and back.
Tensor moved(const Tensor& t, bool channels_last) {
  const auto v = t.to_vector<double>();
  const Shape& s = t.shape();
  const Shape to = channels_last ? Shape{s[0], s[2], s[3], s[1]} : Shape{s[0], s[3], s[1], s[2]};
  const int64_t C = channels_last ? s[1] : s[3], pixels = s.size() / (s[0] * C);
  std::vector<double> result(v.size());
  for (int64_t o = 0; o < s[0]; ++o)
    for (int64_t c = 0; c < C; ++c)
      for (int64_t p = 0; p < pixels; ++p) {
        const int64_t first = (o * C + c) * pixels + p, last = (o * pixels + p) * C + c;
        result[std::size_t(channels_last ? last : first)] =
            v[std::size_t(channels_last ? first : last)];
      }
  return Tensor::from(result, to);
}

struct Case {
  std::string name;
  json attributes;
  Device device;

  bool has(const std::string& tensor) const { return golden().tensors.count(name + "/" + tensor); }
  Tensor operator[](const std::string& tensor) const {
    Tensor t = golden().tensors.at(name + "/" + tensor);
    if (is_weight(tensor)) t = moved(t, true);
    return t.to(device);
  }
  bool is_weight(const std::string& tensor) const {
    return attributes["op"] == "conv2d" && (tensor == "weight" || tensor == "dweight");
  }
  int64_t number(const char* key) const { return attributes.at(key).get<int64_t>(); }
  std::vector<int> axes() const {
    return attributes.at("axes").is_null() ? std::vector<int>{}
                                           : attributes.at("axes").get<std::vector<int>>();
  }
};

Tensor run_batch_norm(const Case& c, const std::vector<Tensor>& in) {
  Tensor mean = c["running_mean"].clone(), var = c["running_var"].clone();
  const bool train = c.attributes.at("train").get<bool>();
  Tensor y = batch_norm(in[0], in[1], in[2], mean, var, train, c.attributes.value("momentum", 0.1),
                        c.attributes.value("eps", 1e-5));
  if (c.has("running_mean_after")) {
    CHECK(difference(mean.to_doubles(), c["running_mean_after"].to_doubles(), 1e-13) == "");
    CHECK(difference(var.to_doubles(), c["running_var_after"].to_doubles(), 1e-13) == "");
  }
  return y;
}

Tensor run(const Case& c, const std::vector<Tensor>& in) {
  const std::string op = c.attributes.at("op");
  if (op == "add") return in[0] + in[1];
  if (op == "sub") return in[0] - in[1];
  if (op == "mul") return in[0] * in[1];
  if (op == "div") return in[0] / in[1];
  if (op == "relu") return relu(in[0]);
  if (op == "matmul") return matmul(in[0], in[1]);
  if (op == "linear") return linear(in[0], in[1], in.size() > 2 ? in[2] : Tensor());
  if (op == "conv2d")
    return conv2d(in[0], in[1], in.size() > 2 ? in[2] : Tensor(),
                  {c.number("stride"), c.number("padding")});
  if (op == "unfold")
    return unfold(in[0], c.number("kernel_size"), c.number("stride"), c.number("padding"));
  if (op == "fold")
    return fold(in[0], c["y"].shape(), c.number("kernel_size"), c.number("stride"),
                c.number("padding"));
  if (op == "max_pool2d")
    return max_pool2d(in[0], c.number("kernel_size"), c.number("stride"), c.number("padding"));
  if (op == "avg_pool2d")
    return avg_pool2d(in[0], c.number("kernel_size"), c.number("stride"), c.number("padding"));
  if (op == "global_avg_pool") return global_avg_pool(in[0]);
  if (op == "batch_norm") return run_batch_norm(c, in);
  if (op == "reshape") {
    const Shape shape = c["y"].shape();
    return reshape(in[0], {shape.begin(), shape.end()});
  }
  if (op == "flatten") return flatten(in[0]);
  if (op == "concat") return concat(in, int(c.number("axis")));
  if (op == "sum" || op == "mean") {
    const bool all = c["y"].ndim() == 0;
    if (op == "sum") return all ? sum(in[0]) : sum(in[0], c.axes());
    return all ? mean(in[0]) : mean(in[0], c.axes());
  }
  if (op == "softmax") return softmax(in[0]);
  if (op == "log_softmax") return log_softmax(in[0]);
  if (op == "cross_entropy") return cross_entropy(in[0], c["targets"]);
  FAIL("no operation for " << op);
  return {};
}

void check(const Case& c) {
  INFO(c.name << " on " << c.device.name());
  std::vector<std::string> names;
  std::vector<Tensor> inputs;
  for (const char* name : {"a", "b", "c", "x", "columns", "logits", "weight", "bias"})
    if (c.has(name)) {
      names.push_back(name);
      inputs.push_back(require_grad(c[name].clone()));
    }
  Tensor y = run(c, inputs);
  const double tolerance = 1e-13;
  CHECK(y.shape().str() == c["y"].shape().str());
  CHECK(difference(y.to_doubles(), c["y"].to_doubles(), tolerance) == "");
  const auto gradients = grad_of(y, inputs, false, c["dy"]);
  for (std::size_t i = 0; i < names.size(); ++i) {
    INFO("d" << names[i]);
    CHECK(difference(gradients[i].to_doubles(), c["d" + names[i]].to_doubles(), 10 * tolerance) ==
          "");
  }
}

}  // namespace

TEST_CASE("operations equal PyTorch's in float64", "[golden]") {
  int64_t count = 0;
  for (auto& [name, text] : golden().metadata) {
    if (text.empty() || text[0] != '{') continue;
    const json attributes = json::parse(text);
    if (!attributes.contains("op")) continue;
    ++count;
    for (Device device : test_devices()) check({name, attributes, device});
  }
  CHECK(count > 100);
}

}  // namespace tweed
