#include "nn/models/sequential.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "data/parse_json.h"
#include "data/read_file.h"
#include "nn/activation.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "nn/norm_layers.h"
#include "nn/resample_layers.h"
#include "nn/weight_limit.h"

namespace tweed {
namespace {

using Json = nlohmann::json;

// Bounds that no sensible network meets, so that a damaged description cannot ask for everything.
// 2^28 weights are twice VGG-16's, and take a gigabyte.
constexpr int64_t largest_size = 1 << 20, most_weights = int64_t(1) << 28;
constexpr uint64_t most_bytes = 1 << 20;
constexpr int deepest = 64;
// Deep enough that what is nested deeper than `deepest` is refused with the layer's place.
constexpr int deepest_json = 1000;

// One object of the description, whose keys a layer's row below asks for by name and kind. Done
// when all were asked for: a key that is left is a mistake.
class LayerText {
 public:
  bool norm_follows = false;  ///< the next layer of its list is a batch norm

  // The network itself.
  LayerText(const Json& json, std::string file, int64_t classes)
      : json_(json), file_(std::move(file)), classes_(classes) {
    if (!json.is_object()) fail("is no object in braces");
  }
  // A layer inside of `parent`, at a place such as "3" or "3.shortcut.0".
  LayerText(const Json& json, const LayerText& parent, std::string place)
      : json_(json),
        file_(parent.file_),
        place_(std::move(place)),
        classes_(parent.classes_),
        depth_(parent.depth_ + 1) {
    if (depth_ > deepest) fail("is nested too deep");
    if (!json.is_object()) fail("is no object in braces");
  }

  // An integer of at least `least`, or "classes".
  int64_t integer(const char* key, int64_t least = 1) { return as_integer(key, get(key), least); }
  // An integer, or a list of one.
  int64_t integer_or_list(const char* key) {
    const Json& v = get(key);
    return as_integer(key, v.is_array() && v.size() == 1 ? v[0] : v, 1);
  }
  int64_t integer_or(const char* key, int64_t otherwise) {
    return json_.contains(key) ? integer(key, std::min<int64_t>(1, otherwise)) : otherwise;
  }
  // A convolution's padding: an integer, 0 by default, or "same".
  int64_t padding(int64_t stride) {
    if (!json_.contains("padding")) return 0;
    if (const Json& v = get("padding"); v != "same") {
      if (v.is_string() && v != "classes") wrong("padding", "an integer, or \"same\",");
      return as_integer("padding", v, 0);
    }
    if (stride != 1) fail("takes \"same\" as 'padding' with a stride of 1 only");
    return same_padding;
  }
  // An integer for both, or [height, width].
  Pair pair(const char* key) {
    const Json& v = get(key);
    if (v.is_array() && v.size() == 2) return {as_integer(key, v[0], 1), as_integer(key, v[1], 1)};
    return as_integer(key, v, 1);
  }
  Pair pair_or(const char* key, Pair otherwise) {
    return json_.contains(key) ? pair(key) : otherwise;
  }
  // A border, 0 by default: an integer, [height, width] or [top, left, bottom, right].
  Padding border(const char* key) {
    if (!json_.contains(key)) return 0;
    const Json& v = get(key);
    auto side = [&](std::size_t i) { return as_integer(key, v[i], 0); };
    if (v.is_array() && v.size() == 2) return {side(0), side(1)};
    if (v.is_array() && v.size() == 4) return {side(0), side(1), side(2), side(3)};
    return as_integer(key, v, 0);
  }
  // A number from 0 to 1.
  double fraction_or(const char* key, double otherwise) {
    if (!json_.contains(key)) return otherwise;
    const Json& v = get(key);
    if (!v.is_number() || v.get<double>() < 0 || v.get<double>() > 1)
      wrong(key, "a number from 0 to 1");
    return v.get<double>();
  }
  double number(const char* key, double least, double most) {
    return as_number(key, get(key), least, most);
  }
  // A factor for both axes, or [height, width].
  ResizeFactor factor(const char* key) {
    const Json& v = get(key);
    auto one = [&](const Json& n) { return as_number(key, n, 1e-3, 1e3); };
    if (v.is_array() && v.size() == 2) return {one(v[0]), one(v[1])};
    return {one(v), one(v)};
  }
  // A border in the order of PyTorch's layers: an integer, or [left, right, top, bottom].
  Padding sides(const char* key) {
    const Json& v = get(key);
    auto side = [&](std::size_t i) { return as_integer(key, v[i], 0); };
    if (v.is_array() && v.size() == 4) return {side(2), side(0), side(3), side(1)};
    return as_integer(key, v, 0);
  }
  // Any finite number.
  double number_or(const char* key, double otherwise) {
    if (!json_.contains(key)) return otherwise;
    const Json& v = get(key);
    if (!v.is_number() || !std::isfinite(v.get<double>())) wrong(key, "a number");
    return v.get<double>();
  }
  // One of two strings: whether it is the second, the first by default.
  bool second_of(const char* key, const std::string& first, const std::string& second) {
    if (!json_.contains(key)) return false;
    const Json& v = get(key);
    if (v != first && v != second) wrong(key, "\"" + first + "\" or \"" + second + "\"");
    return v == second;
  }
  // Softmax is over channels, wherever they lie: PyTorch's axis 1.
  void channel_axis(const char* key) {
    if (json_.contains(key) && get(key) != 1) wrong(key, "1, which stands for channels,");
  }
  bool flag_or(const char* key, bool otherwise) {
    if (!json_.contains(key)) return otherwise;
    const Json& v = get(key);
    if (!v.is_boolean()) wrong(key, "true or false");
    return v.get<bool>();
  }
  std::string text(const char* key) {
    const Json& v = get(key);
    if (!v.is_string()) wrong(key, "a string");
    return v.get<std::string>();
  }
  // An argument of PyTorch's that changes nothing here as long as it has one of these values.
  void take_harmless(const char* key, const std::vector<Json>& values) {
    if (!json_.contains(key)) return;
    const Json& v = get(key);
    if (std::find(values.begin(), values.end(), v) != values.end()) return;
    std::string known;
    for (auto& value : values) known += (known.empty() ? "" : " or ") + value.dump();
    wrong(key, known);
  }
  const Json& list(const char* key) {
    const Json& v = get(key);
    if (!v.is_array() || v.empty()) wrong(key, "a list that is not empty");
    return v;
  }

  void check_weights(int64_t a, int64_t b, int64_t cells = 1) const {
    const std::string excess = WeightLimit::excess(double(a) * double(b) * double(cells));
    if (!excess.empty()) fail(excess);
  }
  void check_all_used() const {
    for (auto& [key, value] : json_.items())
      if (!used_.contains(key)) fail("has no use for " + in_quotes(key, 60));
  }
  bool has(const char* key) const { return json_.contains(key); }
  const std::string& place() const { return place_; }

  void set_type(const std::string& type) { type_ = " (" + printable(type, 60) + ")"; }
  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(file_,
                      (place_.empty() ? "the network" : "layer " + place_ + type_) + " " + what);
  }

 private:
  const Json& get(const char* key) {
    if (!json_.contains(key)) fail(std::string("has no '") + key + "'");
    used_.insert(key);
    return json_[key];
  }
  [[noreturn]] void wrong(const char* key, const std::string& wanted) const {
    fail(std::string("needs ") + wanted + " as '" + key + "', not " +
         printable(json_[key].dump(-1, ' ', false, Json::error_handler_t::replace), 60));
  }
  int64_t as_integer(const char* key, const Json& v, int64_t least) const {
    if (v == "classes") return classes_;
    if (!v.is_number_integer() || v.get<double>() < double(least) ||
        v.get<double>() > double(largest_size))
      wrong(key,
            "an integer from " + std::to_string(least) + " to " + std::to_string(largest_size));
    return v.get<int64_t>();
  }

  double as_number(const char* key, const Json& v, double least, double most) const {
    if (!v.is_number() || !(v.get<double>() >= least && v.get<double>() <= most)) {
      std::ostringstream wanted;
      wanted << "a number from " << least << " to " << most;
      wrong(key, wanted.str());
    }
    return v.get<double>();
  }

  const Json& json_;
  std::string file_, place_, type_;
  int64_t classes_;
  int depth_ = 0;
  std::set<std::string> used_;
};

bool is_batch_norm(const Json& layer) {
  return layer.is_object() && layer.contains("type") && layer["type"] == "BatchNorm2d";
}

ModulePtr make_layer(LayerText& text);

// The layers of a list, called by their numbers within the place that the list stands for.
Sequential make_layers(const LayerText& parent, const Json& list, const std::string& place) {
  Sequential layers;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string number = std::to_string(i);
    LayerText layer(list[i], parent, place.empty() ? number : place + "." + number);
    layer.norm_follows = i + 1 < list.size() && is_batch_norm(list[i + 1]);
    layers.add(make_layer(layer));
    layer.check_all_used();
  }
  return layers;
}
ModulePtr make_sequential(LayerText& t) {
  return hold(make_layers(t, t.list("layers"), t.place()));
}
ModulePtr make_residual(LayerText& t) {
  auto at = [&](const char* key) { return make_layers(t, t.list(key), t.place() + "." + key); };
  Sequential layers = at("layers");
  if (!t.has("shortcut")) return hold(Residual(std::move(layers)));
  return hold(Residual(std::move(layers), at("shortcut")));
}
ModulePtr make_concat(LayerText& t) {
  Concat branches;
  const Json& lists = t.list("branches");
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const std::string number = std::to_string(i);
    if (!lists[i].is_array() || lists[i].empty())
      t.fail("needs a list of layers that is not empty as branch " + number);
    branches.add(make_layers(t, lists[i], t.place() + "." + number));
  }
  return hold(std::move(branches));
}

ModulePtr make_conv(LayerText& t) {
  const int64_t in = t.integer("in_channels"), out = t.integer("out_channels"),
                kernel = t.integer("kernel_size"), stride = t.integer_or("stride", 1);
  t.check_weights(in, out, kernel * kernel);
  return std::make_shared<Conv2d>(in, out, kernel,
                                  Conv2dOptions{.stride = stride,
                                                .padding = t.padding(stride),
                                                .bias = t.flag_or("bias", true),
                                                .norm_follows = t.norm_follows});
}
ModulePtr make_linear(LayerText& t) {
  const int64_t in = t.integer("in_features"), out = t.integer("out_features");
  t.check_weights(in, out);
  return std::make_shared<Linear>(in, out, LinearOptions{.bias = t.flag_or("bias", true)});
}
ModulePtr make_norm(LayerText& t) {
  const int64_t channels = t.integer("num_features");
  t.check_weights(channels, 4);  // weight, bias and two running statistics
  const double momentum = t.fraction_or("momentum", 0.1);
  return hold(BatchNorm2d(channels, {.momentum = momentum, .eps = t.fraction_or("eps", 1e-5)}));
}

ModulePtr make_layer_norm(LayerText& t) {
  const int64_t features = t.integer_or_list("normalized_shape");
  t.check_weights(features, 2);
  return std::make_shared<LayerNorm>(features, t.fraction_or("eps", 1e-5));
}
ModulePtr make_group_norm(LayerText& t) {
  const int64_t groups = t.integer("num_groups"), channels = t.integer("num_channels");
  t.check_weights(channels, 2);
  if (channels % groups) t.fail("has 'num_channels' that 'num_groups' does not divide");
  return std::make_shared<GroupNorm>(groups, channels, t.fraction_or("eps", 1e-5));
}

ModulePtr make_rms_norm(LayerText& t) {
  const int64_t features = t.integer("normalized_shape");
  t.check_weights(features, 1);
  return std::make_shared<RMSNorm>(features, t.fraction_or("eps", 0x1p-23));
}
ModulePtr make_instance_norm(LayerText& t) {
  const int64_t channels = t.integer("num_features");
  t.check_weights(channels, 2);
  const double eps = t.fraction_or("eps", 1e-5);
  return std::make_shared<InstanceNorm2d>(
      channels, InstanceNorm2dOptions{.eps = eps, .affine = t.flag_or("affine", false)});
}

// Activations with arguments; the others are those of activation_names().
ModulePtr make_leaky_relu(LayerText& t) {
  return hold(LeakyReLU(t.number_or("negative_slope", 0.01)));
}
ModulePtr make_elu(LayerText& t) { return hold(ELU(t.number_or("alpha", 1))); }
ModulePtr make_gelu(LayerText& t) { return hold(GELU(t.second_of("approximate", "none", "tanh"))); }
ModulePtr make_hardtanh(LayerText& t) {
  const double low = t.number_or("min_val", -1), high = t.number_or("max_val", 1);
  if (!(low < high)) t.fail("has 'min_val' that is not below 'max_val'");
  return hold(Hardtanh(low, high));
}
ModulePtr make_softmax(LayerText& t) {
  t.channel_axis("dim");
  return hold(Softmax());
}
ModulePtr make_log_softmax(LayerText& t) {
  t.channel_axis("dim");
  return hold(LogSoftmax());
}
ModulePtr make_prelu(LayerText& t) {
  const int64_t channels = t.integer_or("num_parameters", 1);
  t.check_weights(channels, 1);
  return std::make_shared<PReLU>(channels, t.number_or("init", 0.25));
}

ModulePtr make_max_pool(LayerText& t) {
  const Pair kernel = t.pair("kernel_size");
  return hold(MaxPool2d(kernel, {.stride = t.pair_or("stride", 0),
                                 .padding = t.border("padding"),
                                 .ceil_mode = t.flag_or("ceil_mode", false),
                                 .dilation = t.pair_or("dilation", 1)}));
}
ModulePtr make_avg_pool(LayerText& t) {
  const Pair kernel = t.pair("kernel_size");
  return hold(AvgPool2d(kernel, {.stride = t.pair_or("stride", 0),
                                 .padding = t.border("padding"),
                                 .ceil_mode = t.flag_or("ceil_mode", false),
                                 .count_include_pad = t.flag_or("count_include_pad", true)}));
}
template <class M>
ModulePtr make_adaptive_pool(LayerText& t) {
  return std::make_shared<M>(t.pair("output_size"));
}
ModulePtr make_upsample(LayerText& t) {
  UpsampleOptions options;
  if (t.has("mode")) {
    try {
      options.mode = interpolation_of(t.text("mode"));
    } catch (const Error& e) {
      t.fail(std::string("has a 'mode' that there is not: ") + e.what());
    }
  }
  options.align_corners = t.flag_or("align_corners", false);
  if (t.has("size") == t.has("scale_factor")) t.fail("needs either 'size' or 'scale_factor'");
  if (t.has("size")) return hold(Upsample::to(t.pair("size"), options));
  return hold(Upsample(t.factor("scale_factor"), options));
}
template <PadMode mode>
ModulePtr make_pad(LayerText& t) {
  return hold(Pad2d(t.sides("padding"), mode));
}
ModulePtr make_constant_pad(LayerText& t) {
  return hold(Pad2d(t.sides("padding"), t.number("value", -1e30, 1e30)));
}
template <class M>
ModulePtr make_dropout(LayerText& t) {
  return std::make_shared<M>(t.fraction_or("p", 0.5));
}
template <class M>
ModulePtr make_plain(LayerText&) {
  return std::make_shared<M>();
}

// What PyTorch's layers take beside what they have here, where it stands for what they do here
// anyway: so that arguments can be copied from a program.
struct Harmless {
  std::set<std::string> types;
  const char* key;
  std::vector<Json> values;
};
const std::vector<Harmless>& harmless_arguments() {
  static const std::vector<Harmless> all{
      {{"Linear", "BatchNorm2d", "LayerNorm", "GroupNorm"}, "device", {nullptr}},
      {{"Linear", "BatchNorm2d", "LayerNorm", "GroupNorm"}, "dtype", {nullptr}},
      {{"BatchNorm2d", "GroupNorm"}, "affine", {true}},
      {{"BatchNorm2d"}, "track_running_stats", {true}},
      {{"LayerNorm"}, "elementwise_affine", {true}},
      {{"LayerNorm"}, "bias", {true}},
      {{"Flatten"}, "start_dim", {1}},
      {{"Flatten"}, "end_dim", {-1, 3}},
      {{"Dropout", "Dropout2d", "ReLU", "LeakyReLU", "ELU", "SiLU", "Mish", "Hardswish"},
       "inplace",
       {false, true}},
  };
  return all;
}

struct Row {
  const char* type;
  ModulePtr (*make)(LayerText&);
};
const Row rows[] = {
    {"Sequential", make_sequential},
    {"Residual", make_residual},
    {"Concat", make_concat},
    {"Conv2d", make_conv},
    {"Linear", make_linear},
    {"BatchNorm2d", make_norm},
    {"LayerNorm", make_layer_norm},
    {"GroupNorm", make_group_norm},
    {"RMSNorm", make_rms_norm},
    {"InstanceNorm2d", make_instance_norm},
    {"LeakyReLU", make_leaky_relu},
    {"ELU", make_elu},
    {"GELU", make_gelu},
    {"Hardtanh", make_hardtanh},
    {"Softmax", make_softmax},
    {"LogSoftmax", make_log_softmax},
    {"PReLU", make_prelu},
    {"Dropout", make_dropout<Dropout>},
    {"Dropout2d", make_dropout<Dropout2d>},
    {"MaxPool2d", make_max_pool},
    {"AvgPool2d", make_avg_pool},
    {"AdaptiveAvgPool2d", make_adaptive_pool<AdaptiveAvgPool2d>},
    {"AdaptiveMaxPool2d", make_adaptive_pool<AdaptiveMaxPool2d>},
    {"GlobalAvgPool", make_plain<GlobalAvgPool>},
    {"GlobalMaxPool", make_plain<GlobalMaxPool>},
    {"Flatten", make_plain<Flatten>},
    {"Upsample", make_upsample},
    {"ZeroPad2d", make_pad<PadMode::constant>},
    {"ConstantPad2d", make_constant_pad},
    {"ReflectionPad2d", make_pad<PadMode::reflect>},
    {"ReplicationPad2d", make_pad<PadMode::replicate>},
    {"CircularPad2d", make_pad<PadMode::circular>},
};

ModulePtr make_layer(LayerText& text) {
  const std::string type = text.text("type");
  text.set_type(type);
  for (auto& argument : harmless_arguments())
    if (argument.types.contains(type)) text.take_harmless(argument.key, argument.values);
  std::string known;
  for (auto& row : rows) {
    if (type == row.type) return row.make(text);
    known.append(known.empty() ? "" : ", ").append(row.type);
  }
  for (auto& name : activation_names()) {
    if (type == name) return make_activation(name);
    const auto has_arguments = [&](const Row& row) { return name == row.type; };
    if (std::none_of(std::begin(rows), std::end(rows), has_arguments)) known += ", " + name;
  }
  text.fail("is of no known type; there are " + known);
}

}  // namespace

bool is_json_model(const std::string& name) { return name.ends_with(".json"); }

std::string model_description(const std::string& name) {
  return is_json_model(name) ? read_file(name, most_bytes) : "";
}

ModulePtr sequential_model(const std::string& where, const std::string& description,
                           const ModelOptions& options) {
  if (description.size() > most_bytes)
    throw FormatError(where, "describes no network: it has more than a megabyte of text");
  const WeightLimit limit(most_weights, "2^28, the most that a description may ask for");
  try {
    const Json json = parse_json(where, description, deepest_json);
    LayerText text(json, where, options.classes);
    const InitSeed seed(options.seed);
    ModulePtr network = make_sequential(text);
    text.check_all_used();
    return network;
  } catch (const FormatError&) {
    throw;
  } catch (const Error& e) {
    throw FormatError(where, e.what());
  }
}

}  // namespace tweed
