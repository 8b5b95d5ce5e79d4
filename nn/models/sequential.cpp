#include "nn/models/sequential.h"

#include "data/read_file.h"
#include "nn/activation.h"
#include "nn/init.h"
#include "nn/models/layer_description.h"
#include "nn/norm_layers.h"

namespace tweed {
namespace {

using Json = nlohmann::json;

constexpr uint64_t most_bytes = 1 << 20;
// Deep enough that what is nested deeper than `deepest` is refused with the layer's place.
constexpr int deepest_json = 1000;

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

// The channels of a convolution, and its groups, by which a filter has fewer of them.
struct Channels {
  int64_t in, out, groups;
  explicit Channels(LayerText& t)
      : in(t.integer("in_channels")),
        out(t.integer("out_channels")),
        groups(t.integer_or("groups", 1)) {
    for (const char* which : {"in_channels", "out_channels"})
      if (t.integer(which) % groups)
        t.fail("has '" + std::string(which) + "' that 'groups' does not divide");
  }
  void check_weights(const LayerText& t, Pair kernel) const {
    t.check_weights(in, out / groups, kernel.h * kernel.w);
  }
};
ModulePtr make_conv(LayerText& t) {
  const Channels channels(t);
  const Pair kernel = t.pair("kernel_size"), stride = t.pair_or("stride", 1);
  channels.check_weights(t, kernel);
  return std::make_shared<Conv2d>(channels.in, channels.out, kernel,
                                  Conv2dOptions{.stride = stride,
                                                .padding = t.padding(stride),
                                                .dilation = t.pair_or("dilation", 1),
                                                .groups = channels.groups,
                                                .bias = t.flag_or("bias", true),
                                                .norm_follows = t.norm_follows});
}
ModulePtr make_conv_transpose(LayerText& t) {
  const Channels channels(t);
  const Pair kernel = t.pair("kernel_size");
  channels.check_weights(t, kernel);
  return std::make_shared<ConvTranspose2d>(
      channels.in, channels.out, kernel,
      ConvTranspose2dOptions{.stride = t.pair_or("stride", 1),
                             .padding = t.pair_or("padding", 0, 0),
                             .output_padding = t.pair_or("output_padding", 0, 0),
                             .dilation = t.pair_or("dilation", 1),
                             .groups = channels.groups,
                             .bias = t.flag_or("bias", true)});
}
ModulePtr make_conv1d(LayerText& t) {
  const Channels channels(t);
  const int64_t kernel = t.integer("kernel_size"), stride = t.integer_or("stride", 1);
  channels.check_weights(t, {1, kernel});
  return std::make_shared<Conv1d>(channels.in, channels.out, kernel,
                                  Conv1dLayerOptions{.stride = stride,
                                                     .padding = t.padding(stride, false).left,
                                                     .dilation = t.integer_or("dilation", 1),
                                                     .groups = channels.groups,
                                                     .bias = t.flag_or("bias", true)});
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
    {"ConvTranspose2d", make_conv_transpose},
    {"Conv1d", make_conv1d},
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
