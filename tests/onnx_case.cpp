// Runs small programs of operations for scripts/onnx_cases.py: onnx_case IN.safetensors
// OUT.safetensors [DEVICE].
// A result in bfloat16 is written in float32, which holds it.
//
// A tensor CASE/NAME of IN is a value NAME of a case. Its metadata has for each CASE a JSON list of
// calls, {"op": what table() has, "in": names of values, "out": name, and attributes}, and the last
// call's result goes to OUT as CASE. What an operation refuses stands in OUT's metadata under CASE.
#include <cstdio>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "autograd/argmax.h"
#include "autograd/attention.h"
#include "autograd/conv.h"
#include "autograd/elementwise.h"
#include "autograd/image_ops.h"
#include "autograd/indexing.h"
#include "autograd/loss.h"
#include "autograd/matmul.h"
#include "autograd/norm.h"
#include "autograd/pool.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "record/safetensors.h"

using namespace tweed;

namespace {

using nlohmann::json;

struct Call {
  const json& about;
  std::vector<Tensor> in;

  int64_t whole(const char* key) const { return about.at(key).get<int64_t>(); }
  int axis() const { return int(whole("axis")); }
  double real(const char* key) const { return about.at(key).get<double>(); }
  bool flag(const char* key) const { return about.value(key, false); }
  std::string text(const char* key) const { return about.at(key); }
  template <class T>
  std::vector<T> list(const char* key) const {
    return about.at(key).get<std::vector<T>>();
  }
  Pair pair(const char* key) const {
    const auto both = list<int64_t>(key);
    return {both.at(0), both.at(1)};
  }
  // Top, left, bottom, right.
  Padding padding() const {
    const auto all = list<int64_t>("padding");
    return {all.at(0), all.at(1), all.at(2), all.at(3)};
  }
  Shape image() const { return Shape(list<int64_t>("image")); }
  Tensor at(std::size_t i) const { return i < in.size() ? in[i] : Tensor(); }
  Shape shape() const { return Shape(list<int64_t>("shape")); }
  Reduce reduce() const {
    const std::string name = text("reduce");
    return name == "mean" ? Reduce::mean : name == "sum" ? Reduce::sum : Reduce::none;
  }
  std::optional<int32_t> ignored() const {
    if (!about.contains("ignore")) return {};
    return about.at("ignore").get<int32_t>();
  }
  Ties ties() const { return flag("last") ? Ties::last : Ties::first; }
};

using Run = std::function<Tensor(const Call&)>;

DType dtype_called(const std::string& name) {
  for (DType t : {DType::float32, DType::float64, DType::bfloat16, DType::float16, DType::int32,
                  DType::uint8})
    if (name == name_of(t)) return t;
  throw Error("no dtype " + name);
}

// As ONNX calls them.
PadMode pad_mode(const std::string& name) {
  if (name == "reflect") return PadMode::reflect;
  if (name == "edge") return PadMode::replicate;
  if (name == "wrap") return PadMode::circular;
  throw Error("no way to pad '" + name + "'");
}

void add_functions(std::map<std::string, Run>& table) {
  using One = Tensor (*)(const Tensor&);
  using Two = Tensor (*)(const Tensor&, const Tensor&);
  const std::map<std::string, One> ones = {
      {"abs", abs},
      {"neg", neg},
      {"exp", exp},
      {"log", log},
      {"sqrt", sqrt},
      {"relu", relu},
      {"relu6", relu6},
      {"sigmoid", sigmoid},
      {"tanh", tanh},
      {"gelu", gelu},
      {"gelu_tanh", gelu_tanh},
      {"silu", silu},
      {"mish", mish},
      {"softplus", softplus},
      {"hardswish", hardswish},
      {"hardsigmoid", hardsigmoid},
      {"softmax", softmax},
      {"log_softmax", log_softmax},
      {"isnan", isnan},
      {"isinf", isinf},
      {"logical_not", logical_not},
  };
  for (auto& [name, f] : ones) table[name] = [f = f](const Call& c) { return f(c.in[0]); };
  const std::map<std::string, Two> twos = {
      {"add", add},
      {"sub", sub},
      {"mul", mul},
      {"div", div},
      {"maximum", maximum},
      {"minimum", minimum},
      {"equal", equal},
      {"less", less},
      {"less_equal", less_equal},
      {"greater", greater},
      {"greater_equal", greater_equal},
      {"logical_and", logical_and},
      {"logical_or", logical_or},
      {"logical_xor", logical_xor},
      {"prelu", prelu},
  };
  for (auto& [name, f] : twos) table[name] = [f = f](const Call& c) { return f(c.in[0], c.in[1]); };
  using WithNumber = Tensor (*)(const Tensor&, double);
  const std::map<std::string, WithNumber> numbers = {
      {"scale", scale}, {"add_scalar", add_scalar}, {"leaky_relu", leaky_relu}, {"elu", elu},
      {"pow", pow},     {"less_than", less},        {"greater_than", greater},
  };
  for (auto& [name, f] : numbers)
    table[name] = [f = f](const Call& c) { return f(c.in[0], c.real("number")); };
}

void add_reductions(std::map<std::string, Run>& table) {
  using Fold = Tensor (*)(const Tensor&, const std::vector<int>&, bool);
  const std::map<std::string, Fold> folds = {
      {"sum", sum},   {"mean", mean},       {"max", max},         {"min", min},
      {"prod", prod}, {"norm_l1", norm_l1}, {"norm_l2", norm_l2}, {"norm_linf", norm_linf},
  };
  for (auto& [name, f] : folds)
    table[name] = [f = f](const Call& c) {
      return f(c.in[0], c.list<int>("axes"), c.flag("keep"));
    };
}

// Of images, whose windows have a number for each axis.
void add_windows(std::map<std::string, Run>& table) {
  table["conv2d"] = [](const Call& c) {
    return conv2d(c.in[0], c.in[1], c.at(2),
                  {.stride = c.pair("stride"),
                   .padding = c.padding(),
                   .dilation = c.pair("dilation"),
                   .groups = c.whole("groups")});
  };
  table["conv_transpose2d"] = [](const Call& c) {
    return conv_transpose2d(c.in[0], c.in[1], c.at(2),
                            {.stride = c.pair("stride"),
                             .padding = c.padding(),
                             .output_padding = c.pair("output_padding"),
                             .dilation = c.pair("dilation"),
                             .groups = c.whole("groups")});
  };
  table["fold"] = [](const Call& c) {
    return fold(c.in[0], c.image(), c.pair("kernel"), c.pair("stride"), c.padding(),
                c.pair("dilation"));
  };
  table["max_pool2d"] = [](const Call& c) {
    return max_pool2d(c.in[0], c.pair("kernel"),
                      {.stride = c.pair("stride"),
                       .padding = c.padding(),
                       .ceil_mode = c.flag("ceil_mode"),
                       .dilation = c.pair("dilation")});
  };
  table["avg_pool2d"] = [](const Call& c) {
    return avg_pool2d(c.in[0], c.pair("kernel"),
                      {.stride = c.pair("stride"),
                       .padding = c.padding(),
                       .ceil_mode = c.flag("ceil_mode"),
                       .count_include_pad = c.flag("count_padding")});
  };
}

// Of sequences.
void add_windows_1d(std::map<std::string, Run>& table) {
  table["conv1d"] = [](const Call& c) {
    return conv1d(c.in[0], c.in[1], c.at(2),
                  {.stride = c.whole("stride"),
                   .padding = c.pair("padding"),
                   .dilation = c.whole("dilation"),
                   .groups = c.whole("groups")});
  };
  table["conv_transpose1d"] = [](const Call& c) {
    return conv_transpose1d(c.in[0], c.in[1], c.at(2),
                            {.stride = c.whole("stride"),
                             .padding = c.pair("padding"),
                             .output_padding = c.whole("output_padding"),
                             .dilation = c.whole("dilation"),
                             .groups = c.whole("groups")});
  };
  table["max_pool1d"] = [](const Call& c) {
    return max_pool1d(c.in[0], c.whole("kernel"),
                      {.stride = c.whole("stride"),
                       .padding = c.whole("padding"),
                       .ceil_mode = c.flag("ceil_mode"),
                       .dilation = c.whole("dilation")});
  };
  table["avg_pool1d"] = [](const Call& c) {
    return avg_pool1d(c.in[0], c.whole("kernel"),
                      {.stride = c.whole("stride"),
                       .padding = c.whole("padding"),
                       .ceil_mode = c.flag("ceil_mode"),
                       .count_include_pad = c.flag("count_padding")});
  };
}

void add_resizes(std::map<std::string, Run>& table) {
  const auto factor = [](const Call& c) {
    const auto both = c.list<double>("factor");
    return ResizeFactor{both.at(0), both.at(1)};
  };
  using Resize = Tensor (*)(const Tensor&, int64_t, int64_t, const ResizeOptions&);
  const std::map<std::string, Resize> smooth = {{"resize_bilinear", resize_bilinear},
                                                {"resize_bicubic", resize_bicubic}};
  for (auto& [name, f] : smooth)
    table[name] = [f = f, factor](const Call& c) {
      const Pair size = c.pair("size");
      return f(c.in[0], size.h, size.w,
               {.align_corners = c.flag("align_corners"),
                .antialias = c.flag("antialias"),
                .factor = factor(c)});
    };
  table["resize_nearest"] = [factor](const Call& c) {
    const Pair size = c.pair("size");
    return resize_nearest(c.in[0], size.h, size.w, {.exact = c.flag("exact"), .factor = factor(c)});
  };
}

std::map<std::string, Run> table() {
  std::map<std::string, Run> t = {
      {"cast", [](auto& c) { return cast(c.in[0], dtype_called(c.text("dtype"))); }},
      {"clamp", [](auto& c) { return clamp(c.in[0], c.real("low"), c.real("high")); }},
      {"where", [](auto& c) { return where(c.in[0], c.in[1], c.in[2]); }},
      {"var",
       [](auto& c) {
         return var(c.in[0], c.template list<int>("axes"), c.flag("keep"), c.whole("correction"));
       }},
      {"cumsum",
       [](auto& c) {
         return cumsum(c.in[0], c.axis(), {c.flag("exclusive"), c.flag("reverse")});
       }},
      {"expand", [](auto& c) { return expand(c.in[0], c.shape()); }},
      {"argmax", [](auto& c) { return argmax(c.in[0], c.axis(), c.flag("keep"), c.ties()); }},
      {"argmin", [](auto& c) { return argmin(c.in[0], c.axis(), c.flag("keep"), c.ties()); }},
      {"top_values", [](auto& c) { return top_k(c.in[0], c.whole("k")).values; }},
      {"top_places", [](auto& c) { return top_k(c.in[0], c.whole("k")).indexes; }},
      {"reshape", [](auto& c) { return reshape(c.in[0], c.template list<int64_t>("shape")); }},
      {"permute", [](auto& c) { return permute(c.in[0], c.template list<int>("axes")); }},
      {"slice",
       [](auto& c) { return slice(c.in[0], c.axis(), c.whole("first"), c.whole("last")); }},
      {"pad",
       [](auto& c) {
         const auto amounts = c.about.at("amounts").template get<PadAmounts>();
         return c.about.contains("mode") ? pad(c.in[0], amounts, pad_mode(c.text("mode")))
                                         : pad(c.in[0], amounts, c.real("number"));
       }},
      {"concat", [](auto& c) { return concat(c.in, c.axis()); }},
      {"flip", [](auto& c) { return flip(c.in[0], c.axis()); }},
      {"index_select", [](auto& c) { return index_select(c.in[0], c.in[1], c.axis()); }},
      {"gather", [](auto& c) { return gather(c.in[0], c.in[1], c.axis()); }},
      {"scatter", [](auto& c) { return scatter(c.in[0], c.in[1], c.in[2], c.axis()); }},
      {"scatter_add", [](auto& c) { return scatter_add(c.in[0], c.in[1], c.in[2], c.axis()); }},
      {"one_hot", [](auto& c) { return one_hot(c.in[0], c.whole("classes")); }},
      {"matmul",
       [](auto& c) {
         return matmul(c.in[0], c.in[1], {c.flag("transpose_a"), c.flag("transpose_b")});
       }},
      {"einsum", [](auto& c) { return einsum(c.text("text"), c.in); }},
      {"layer_norm", [](auto& c) { return layer_norm(c.in[0], c.in[1], c.in[2], c.real("eps")); }},
      {"rms_norm", [](auto& c) { return rms_norm(c.in[0], c.in[1], c.real("eps")); }},
      {"group_norm",
       [](auto& c) {
         return group_norm(c.in[0], c.whole("groups"), c.in[1], c.in[2], c.real("eps"));
       }},
      {"instance_norm",
       [](auto& c) { return instance_norm(c.in[0], c.at(1), c.at(2), c.real("eps")); }},
      {"batch_norm",
       [](auto& c) {
         return batch_norm(c.in[0], c.in[1], c.in[2], c.in[3], c.in[4],
                           {.training = c.flag("training"), .eps = c.real("eps")});
       }},
      {"attention",
       [](auto& c) {
         return scaled_dot_product_attention(
             c.in[0], c.in[1], c.in[2],
             {.causal = c.flag("causal"), .mask = c.at(3), .scale = c.real("scale")});
       }},
      {"nll_loss",
       [](auto& c) {
         return nll_loss(c.in[0], c.in[1], {c.at(2), c.reduce(), c.ignored()});
       }},
      {"cross_entropy",
       [](auto& c) {
         return cross_entropy(c.in[0], c.in[1], {0, c.at(2), c.reduce(), c.ignored()});
       }},
  };
  add_functions(t);
  add_reductions(t);
  add_windows(t);
  add_windows_1d(t);
  add_resizes(t);
  return t;
}

Tensor run(const json& calls, std::map<std::string, Tensor>& values) {
  static const std::map<std::string, Run> known = table();
  Tensor last;
  for (const json& about : calls) {
    const std::string op = about.at("op");
    if (!known.contains(op)) throw Error("there is no operation '" + op + "' here");
    Call call = {about, {}};
    for (const std::string name : about.at("in"))
      call.in.push_back(name.empty() ? Tensor() : values.at(name));
    last = values[about.at("out")] = known.at(op)(call);
  }
  return last;
}

// The values of a case, on the device.
std::map<std::string, Tensor> values_of(const SafeTensors& file, const std::string& name,
                                        Device device) {
  std::map<std::string, Tensor> values;
  const std::string prefix = name + "/";
  for (auto i = file.tensors.lower_bound(prefix); i != file.tensors.end(); ++i) {
    if (!i->first.starts_with(prefix)) break;
    values[i->first.substr(prefix.size())] = i->second.to(device);
  }
  return values;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::fprintf(stderr, "usage: onnx_case IN.safetensors OUT.safetensors [DEVICE]\n");
    return 2;
  }
  try {
    const Device device = Device::parse(argc == 4 ? argv[3] : "cpu");
    const SafeTensors file = read_safetensors(argv[1]);
    SafeTensors results;
    for (auto& [name, text] : file.metadata) {
      auto values = values_of(file, name, device);
      try {
        const Tensor y = run(json::parse(text), values).to(Device());
        results.tensors[name] = y.to(y.dtype() == DType::bfloat16 ? DType::float32 : y.dtype());
      } catch (const Error& e) {
        results.metadata[name] = e.what();
      }
    }
    write_safetensors(argv[2], results);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "onnx_case: %s\n", e.what());
    return 1;
  }
}
