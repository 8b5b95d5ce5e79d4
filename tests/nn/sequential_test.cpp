// Networks from JSON: the documentation's example, every layer, and what is refused.
#include "nn/models/sequential.h"

#include <algorithm>
#include <array>
#include <fstream>

#include "apps/paths.h"
#include "autograd/functions.h"
#include "autograd/loss.h"
#include "autograd/norm.h"
#include "nn/activation.h"
#include "nn/freeze.h"
#include "nn/summary.h"
#include "nn/watch.h"
#include "optim/sgd.h"
#include "record/checkpoint.h"
#include "tests/catch.h"
#include "tests/support.h"
#include "tests/temporary_folder.h"

using namespace tweed;

namespace {

const std::string example = source_path("docs/examples/network.json"),
                  blocks = source_path("docs/examples/blocks.json");

ModulePtr made(const std::string& layers, const ModelOptions& options = {}) {
  return sequential_model("net.json", "{\"layers\": [" + layers + "]}", options);
}
void check_refused(const std::string& layers, const std::string& what) {
  INFO(layers);
  CHECK_THROWS_WITH(made(layers), Contains("net.json: " + what));
}

}  // namespace

TEST_CASE("The documentation's network trains, and its checkpoint needs no JSON file") {
  auto network = make_model(example, {.classes = 4, .seed = 1});
  CHECK(network->parameter_count() == 1200 + 32 + 4640 + 18496 + 1028);
  CHECK(network->parameters().back().name == "10.bias");
  CHECK(network->find("4.0").description().starts_with("Conv2d(16, 32, kernel 3"));

  const Tensor x = random_tensor({8, 16, 16, 3}),
               labels = Tensor::from<int32_t>({0, 1, 2, 3, 0, 1, 2, 3}, {8});
  ParameterBuffer parameters(network->parameters());
  SGD sgd(parameters, {.lr = 0.05, .momentum = 0.9, .weight_decay = 0});
  std::vector<double> losses;
  for (uint32_t step = 0; step < 20; ++step) {
    network->set_random_step({0, step});
    const Tensor loss = cross_entropy((*network)(x), labels);
    parameters.zero_grad();
    backward(loss);
    sgd.step();
    losses.push_back(loss.item());
  }
  CHECK(losses.back() < 0.5 * losses.front());

  TemporaryFolder folder;
  const std::string path = folder.path() + "/net.safetensors";
  CheckpointInfo info;
  info.model = "gone.json";
  info.description = model_description(example);
  info.classes = {"a", "b", "c", "d"};
  save_checkpoint(path, *network, info);
  const Checkpoint loaded = load_checkpoint(path);
  CHECK(loaded.info.description == info.description);
  network->eval();
  NoGrad no_grad;
  CHECK(same_bits((*loaded.network)(x), (*network)(x)));
  CHECK(load_weights(path, example).info.model == "network.json");
}

TEST_CASE("Initial weights of a described network depend on the seed and the layer") {
  const std::string two = R"({"type": "Linear", "in_features": 3, "out_features": 3},
                             {"type": "Linear", "in_features": 3, "out_features": 3})";
  auto weights = [&](uint64_t seed) { return made(two, {.seed = seed})->parameters(); };
  CHECK(same_bits(weights(1)[0].tensor, weights(1)[0].tensor));
  CHECK(!same_bits(weights(1)[0].tensor, weights(2)[0].tensor));
  CHECK(!same_bits(weights(1)[0].tensor, weights(1)[2].tensor));
}

TEST_CASE("Every layer can be described") {
  auto text = [](const std::string& layer) {
    const std::string all = made(layer, {.classes = 7})->str();
    return all.substr(all.find("0: "));
  };
  CHECK(text(R"({"type": "Conv2d", "in_channels": 2, "out_channels": "classes", "kernel_size": 3,
                 "stride": 2, "padding": 1, "bias": false})") ==
        "0: Conv2d(2, 7, kernel 3, stride 2, padding 1, no activation)\n");
  CHECK(text(R"({"type": "Linear", "in_features": 2, "out_features": "classes", "bias": true})") ==
        "0: Linear(2, 7, no activation)\n");
  CHECK(text(R"({"type": "BatchNorm2d", "num_features": 5, "momentum": 0.2, "eps": 1e-3})") ==
        "0: BatchNorm2d(5, no activation)\n");
  CHECK(text(R"({"type": "LayerNorm", "normalized_shape": 6})").find("0: LayerNorm(6") == 0);
  CHECK(
      text(R"({"type": "GroupNorm", "num_groups": 2, "num_channels": 6})").find("0: GroupNorm(2") ==
      0);
  CHECK(text(R"({"type": "RMSNorm", "normalized_shape": 6})") == "0: RMSNorm(6)\n");
  CHECK(text(R"({"type": "InstanceNorm2d", "num_features": 6})") == "0: InstanceNorm2d(6)\n");
  CHECK(text(R"({"type": "InstanceNorm2d", "num_features": 6, "affine": true})") ==
        "0: InstanceNorm2d(6, affine)\n");
  CHECK(text(R"({"type": "PReLU"})") == "0: PReLU(1)\n");
  CHECK(text(R"({"type": "PReLU", "num_parameters": 5, "init": 0.5})") == "0: PReLU(5)\n");
  CHECK(text(R"({"type": "GELU", "approximate": "tanh"})") == "0: GELU(tanh)\n");
  CHECK(text(R"({"type": "Softmax", "dim": 1})") == "0: Softmax\n");
  CHECK(text(R"({"type": "Dropout", "p": 0.25})") == "0: Dropout(0.25)\n");
  CHECK(text(R"({"type": "Dropout2d"})") == "0: Dropout2d(0.5)\n");
  CHECK(text(R"({"type": "MaxPool2d", "kernel_size": 3, "ceil_mode": true})") ==
        "0: MaxPool2d(3, stride 3, padding 0, ceil mode)\n");
  CHECK(text(R"({"type": "AvgPool2d", "kernel_size": 3, "stride": 2, "padding": 1,
                 "count_include_pad": false})") ==
        "0: AvgPool2d(3, stride 2, padding 1, padding not counted)\n");
  CHECK(text(R"({"type": "AdaptiveAvgPool2d", "output_size": [2, 3]})") ==
        "0: AdaptiveAvgPool2d(2, 3)\n");
  CHECK(text(R"({"type": "MaxPool2d", "kernel_size": [3, 2], "stride": [1, 2],
                 "padding": [0, 1, 1, 0], "dilation": 2})") ==
        "0: MaxPool2d(3 x 2, stride 1 x 2, padding 0, 1, 1, 0, dilation 2)\n");
  CHECK(text(R"({"type": "AvgPool2d", "kernel_size": [3, 5], "padding": [1, 2]})") ==
        "0: AvgPool2d(3 x 5, stride 3 x 5, padding 1 x 2)\n");
  CHECK(text(R"({"type": "AdaptiveMaxPool2d", "output_size": 2})") ==
        "0: AdaptiveMaxPool2d(2, 2)\n");
  CHECK(text(R"({"type": "GlobalMaxPool"})") == "0: GlobalMaxPool\n");
  CHECK(text(R"({"type": "Upsample", "scale_factor": [2, 1.5], "mode": "bilinear",
                 "align_corners": true})") ==
        "0: Upsample(by 2 x 1.5, bilinear, corners aligned)\n");
  CHECK(text(R"({"type": "Upsample", "size": 7})") == "0: Upsample(to 7 x 7, nearest)\n");
  CHECK(text(R"({"type": "ZeroPad2d", "padding": 2})") == "0: ConstantPad2d(2, value 0)\n");
  CHECK(text(R"({"type": "ConstantPad2d", "padding": 1, "value": -3})") ==
        "0: ConstantPad2d(1, value -3)\n");
  // PyTorch's order, and ours: left, right, top, bottom; top, left, bottom, right.
  CHECK(text(R"({"type": "ReflectionPad2d", "padding": [1, 2, 3, 4]})") ==
        "0: ReflectionPad2d(3, 1, 4, 2)\n");
  CHECK(text(R"({"type": "ReplicationPad2d", "padding": 1})") == "0: ReplicationPad2d(1)\n");
  CHECK(text(R"({"type": "CircularPad2d", "padding": 1})") == "0: CircularPad2d(1)\n");
  CHECK(text(R"({"type": "GlobalAvgPool"})") == "0: GlobalAvgPool\n");
  CHECK(text(R"({"type": "Flatten"})") == "0: Flatten\n");
  CHECK(text(R"({"type": "Conv2d", "in_channels": 2, "out_channels": 2, "kernel_size": 4,
                 "padding": "same"})") ==
        "0: Conv2d(2, 2, kernel 4, stride 1, padding same, no activation)\n");
  CHECK(text(R"({"type": "Residual", "layers": [{"type": "ReLU"}],
                 "shortcut": [{"type": "Flatten"}]})") ==
        "0: Residual\n    layers: Sequential\n      0: ReLU\n"
        "    shortcut: Sequential\n      0: Flatten\n");
  CHECK(text(R"({"type": "Concat", "branches": [[{"type": "ReLU"}], [{"type": "Tanh"}]]})") ==
        "0: Concat\n    0: Sequential\n      0: ReLU\n    1: Sequential\n      0: Tanh\n");
  for (auto& name : activation_names())
    CHECK(text("{\"type\": \"" + name + "\"}") == "0: " + name + "\n");
  CHECK(made(R"({"type": "Conv2d", "in_channels": 2, "out_channels": 3, "kernel_size": 1,
                 "bias": false})")
            ->parameter_count() == 6);
}

TEST_CASE("activations of a description have its numbers") {
  const Tensor x = Tensor::from<float>({-3, -0.5, 0.25, 4}, {1, 4});
  auto y = [&](const std::string& layer) { return (*made(layer))(x).to_doubles(); };
  using Doubles = std::vector<double>;
  CHECK(y(R"({"type": "LeakyReLU", "negative_slope": 0.5})") == Doubles{-1.5, -0.25, 0.25, 4});
  CHECK(y(R"({"type": "PReLU", "init": -0.5})") == Doubles{1.5, 0.25, 0.25, 4});
  CHECK(y(R"({"type": "Hardtanh", "min_val": -2, "max_val": 0})") == Doubles{-2, -0.5, 0, 0});
  CHECK(y(R"({"type": "Hardtanh"})") == Doubles{-1, -0.5, 0.25, 1});
  CHECK(y(R"({"type": "ReLU6"})") == Doubles{0, 0, 0.25, 4});
  CHECK(y(R"({"type": "ELU", "alpha": 2})") == elu(x, 2).to_doubles());
  CHECK(y(R"({"type": "GELU", "approximate": "none"})") == gelu(x).to_doubles());
  CHECK(y(R"({"type": "GELU", "approximate": "tanh"})") == gelu_tanh(x).to_doubles());
  CHECK(y(R"({"type": "LogSoftmax"})") == log_softmax(x).to_doubles());
  const double root = rms_norm(x, Tensor::full({4}, 1), 1).to_doubles()[3];
  CHECK(y(R"({"type": "RMSNorm", "normalized_shape": 4, "eps": 1})")[3] == root);
}

TEST_CASE("A mistake in a description is named with file, layer and key") {
  check_refused(R"({"type": "Softmax", "dim": -1})",
                "layer 0 (Softmax) needs 1, which stands for channels, as 'dim', not -1");
  check_refused(R"({"type": "GELU", "approximate": "erf"})",
                "layer 0 (GELU) needs \"none\" or \"tanh\" as 'approximate', not \"erf\"");
  check_refused(R"({"type": "ELU", "alpha": "big"})",
                "layer 0 (ELU) needs a number as 'alpha', not \"big\"");
  check_refused(R"({"type": "Hardtanh", "min_val": 1})",
                "layer 0 (Hardtanh) has 'min_val' that is not below 'max_val'");
  const std::string relu = R"({"type": "ReLU"}, )";
  check_refused(relu + R"({"type": "Conv3d"})", "layer 1 (Conv3d) is of no known type; there are");
  check_refused(relu + R"({"kernel_size": 3})", "layer 1 has no 'type'");
  check_refused(R"({"type": "GroupNorm", "num_groups": 4, "num_channels": 6})",
                "layer 0 (GroupNorm) has 'num_channels' that 'num_groups' does not divide");
  check_refused(R"({"type": 3})", "layer 0 needs a string as 'type', not 3");
  check_refused(R"({"type": "MaxPool2d"})", "layer 0 (MaxPool2d) has no 'kernel_size'");
  check_refused(R"({"type": "ReLU", "slope": 0.1})", "layer 0 (ReLU) has no use for 'slope'");
  check_refused(R"({"type": "Tanh", "inplace": true})", "layer 0 (Tanh) has no use for 'inplace'");
  check_refused(R"({"type": "ReLU", "inplace": 1})",
                "layer 0 (ReLU) needs false or true as 'inplace', not 1");
  check_refused(R"({"type": "Flatten", "start_dim": 2})",
                "layer 0 (Flatten) needs 1 as 'start_dim', not 2");
  check_refused(R"({"type": "BatchNorm2d", "num_features": 3, "affine": false})",
                "layer 0 (BatchNorm2d) needs true as 'affine', not false");
  check_refused(R"({"type": "Linear", "in_features": 3, "out_features": 2, "dtype": "float16"})",
                "layer 0 (Linear) needs null as 'dtype', not \"float16\"");
  check_refused(R"({"type": "LayerNorm", "normalized_shape": [4, 3]})",
                "layer 0 (LayerNorm) needs an integer");
  check_refused(
      R"({"type": "MaxPool2d", "kernel_size": "three"})",
      "layer 0 (MaxPool2d) needs an integer from 1 to 1048576 as 'kernel_size', not \"three\"");
  check_refused(R"({"type": "MaxPool2d", "kernel_size": 2.5})",
                "layer 0 (MaxPool2d) needs an integer");
  check_refused(R"({"type": "MaxPool2d", "kernel_size": 0})",
                "layer 0 (MaxPool2d) needs an integer");
  check_refused(R"({"type": "MaxPool2d", "kernel_size": 2, "stride": 0})",
                "layer 0 (MaxPool2d) needs an integer from 1 to 1048576 as 'stride', not 0");
  check_refused(R"({"type": "MaxPool2d", "kernel_size": 2, "padding": -1})",
                "layer 0 (MaxPool2d) needs an integer from 0 to 1048576 as 'padding', not -1");
  check_refused(R"({"type": "MaxPool2d", "kernel_size": 2, "padding": [0, 1, 2]})",
                "layer 0 (MaxPool2d) needs an integer from 0 to 1048576 as 'padding', not [0,1,2]");
  check_refused(
      R"({"type": "MaxPool2d", "kernel_size": [2, 0]})",
      "layer 0 (MaxPool2d) needs an integer from 1 to 1048576 as 'kernel_size', not [2,0]");
  check_refused(R"({"type": "Upsample"})", "layer 0 (Upsample) needs either 'size' or");
  check_refused(R"({"type": "Upsample", "size": 3, "mode": "linear"})",
                "layer 0 (Upsample) has a 'mode' that there is not: no interpolation 'linear'");
  check_refused(R"({"type": "Upsample", "scale_factor": 1e9})",
                "layer 0 (Upsample) needs a number from 0.001 to 1000 as 'scale_factor', not 1");
  check_refused(R"({"type": "ReflectionPad2d", "padding": [1, 2]})",
                "layer 0 (ReflectionPad2d) needs an integer from 0 to 1048576 as 'padding'");
  check_refused(R"({"type": "AvgPool2d", "kernel_size": 2, "dilation": 2})",
                "layer 0 (AvgPool2d) has no use for 'dilation'");
  check_refused(R"({"type": "MaxPool2d", "kernel_size": 2, "ceil_mode": 1})",
                "layer 0 (MaxPool2d) needs true or false as 'ceil_mode', not 1");
  check_refused(R"({"type": "Dropout", "p": 1.5})",
                "layer 0 (Dropout) needs a number from 0 to 1 as 'p', not 1.5");
  check_refused(R"({"type": "AdaptiveAvgPool2d", "output_size": [1, 2, 3]})",
                "layer 0 (AdaptiveAvgPool2d) needs an integer");
  check_refused(R"({"type": "Linear", "in_features": 1000000, "out_features": 1000000})",
                "layer 0 (Linear) has more weights than 2^28");
  check_refused(R"({"type": "Linear", "in_features": 1e30, "out_features": 2})",
                "layer 0 (Linear) needs an integer");
  check_refused(R"({"type": "Sequential", "layers": [{"type": "ReLU"}, {"type": "Relu"}]})",
                "layer 0.1 (Relu) is of no known type");
  check_refused(R"({"type": "Sequential", "layers": []})", "layer 0 (Sequential) needs a list");
  check_refused("3", "layer 0 is no object in braces");
}

TEST_CASE("Mistakes in a convolution's padding, and in layers made of layers") {
  const std::string conv = R"({"type": "Conv2d", "in_channels": 3, "out_channels": 3,
                               "kernel_size": 3, )";
  check_refused(conv + R"("stride": 2, "padding": "same"})",
                "layer 0 (Conv2d) takes \"same\" as 'padding' with a stride of 1 only");
  check_refused(conv + R"("padding": "sane"})",
                "layer 0 (Conv2d) needs an integer, or \"same\", as 'padding', not \"sane\"");
  check_refused(R"({"type": "MaxPool2d", "kernel_size": 2, "padding": "same"})",
                "layer 0 (MaxPool2d) needs an integer from 0 to 1048576 as 'padding'");
  check_refused(R"({"type": "Residual"})", "layer 0 (Residual) has no 'layers'");
  check_refused(R"({"type": "Residual", "layers": []})", "layer 0 (Residual) needs a list");
  check_refused(R"({"type": "Residual", "layers": [{"type": "ReLU"}], "shortcut": []})",
                "layer 0 (Residual) needs a list that is not empty as 'shortcut', not []");
  check_refused(R"({"type": "Residual", "layers": [{"type": "ReLU"}, {"type": "Relu"}]})",
                "layer 0.layers.1 (Relu) is of no known type");
  check_refused(R"({"type": "Residual", "layers": [{"type": "ReLU"}], "shortcut": [3]})",
                "layer 0.shortcut.0 is no object in braces");
  check_refused(R"({"type": "Concat", "branches": []})", "layer 0 (Concat) needs a list");
  check_refused(R"({"type": "Concat", "branches": [[{"type": "ReLU"}], {"type": "ReLU"}]})",
                "layer 0 (Concat) needs a list of layers that is not empty as branch 1");
  check_refused(R"({"type": "Concat", "branches": [[{"type": "ReLU"}], []]})",
                "layer 0 (Concat) needs a list of layers that is not empty as branch 1");
  check_refused(R"({"type": "Concat", "branches": [[{"type": "ReLU"}, {"type": "Flat"}]]})",
                "layer 0.0.1 (Flat) is of no known type");
  // Weights are counted over all branches before they are drawn.
  std::string branches;
  for (int i = 0; i < 300; ++i)
    branches += std::string(i ? ", " : "") +
                R"([{"type": "Linear", "in_features": 30000, "out_features": 30000}])";
  check_refused(R"({"type": "Concat", "branches": [)" + branches + "]}",
                "layer 0.0.0 (Linear) has more weights than 2^28");
}

TEST_CASE("Arguments of PyTorch's that say what happens anyway are taken") {
  const char* const plain[] = {
      R"({"type": "Dropout", "p": 0.2}, {"type": "Dropout2d"}, {"type": "ReLU"}, {"type": "ELU"},
         {"type": "BatchNorm2d", "num_features": 3}, {"type": "LayerNorm", "normalized_shape": 3},
         {"type": "GroupNorm", "num_groups": 1, "num_channels": 3}, {"type": "Flatten"},
         {"type": "Linear", "in_features": 12, "out_features": 2})",
      R"({"type": "Dropout", "p": 0.2, "inplace": false}, {"type": "Dropout2d", "inplace": true},
         {"type": "ReLU", "inplace": true}, {"type": "ELU", "inplace": false},
         {"type": "BatchNorm2d", "num_features": 3, "affine": true, "track_running_stats": true,
          "device": null, "dtype": null},
         {"type": "LayerNorm", "normalized_shape": [3], "elementwise_affine": true, "bias": true,
          "device": null},
         {"type": "GroupNorm", "num_groups": 1, "num_channels": 3, "affine": true},
         {"type": "Flatten", "start_dim": 1, "end_dim": -1},
         {"type": "Linear", "in_features": 12, "out_features": 2, "device": null, "dtype": null})"};
  std::vector<Tensor> results;
  for (const char* layers : plain) {
    auto network = made(layers);
    network->eval();
    results.push_back((*network)(random_tensor({2, 2, 2, 3})));
  }
  CHECK(same_bits(results[0], results[1]));
}

TEST_CASE("Layers that lie too deep in each other are refused") {
  auto nested = [](const std::string& before, const std::string& after, int times) {
    std::string text = R"({"type": "ReLU"})";
    for (int i = 0; i < times; ++i) text = before + text + after;
    return text;
  };
  for (auto& [before, after, place] :
       {std::array<const char*, 3>{R"({"type": "Sequential", "layers": [)", "]}", "0.0.0."},
        {R"({"type": "Residual", "layers": [)", "]}", "0.layers.0.layers."},
        {R"({"type": "Residual", "layers": [{"type": "ReLU"}], "shortcut": [)", "]}",
         "0.shortcut.0.shortcut."},
        {R"({"type": "Concat", "branches": [[)", "]]}", "0.0.0."}}) {
    CHECK_NOTHROW(made(nested(before, after, 60)));
    check_refused(nested(before, after, 100), std::string("layer ") + place);
    CHECK_THROWS_WITH(made(nested(before, after, 100)), Contains("is nested too deep"));
  }
}

TEST_CASE("A described residual network trains, is saved and shown, and names a wrong shape") {
  auto network = make_model(blocks, {.classes = 4, .seed = 1});
  std::vector<std::string> names;
  for (auto& [name, t] : network->parameters()) names.push_back(name);
  for (const char* name : {"2.layers.0.weight", "3.shortcut.0.bias", "4.1.1.weight", "6.bias"}) {
    INFO(name);
    CHECK(std::find(names.begin(), names.end(), name) != names.end());
  }
  const Tensor x = random_tensor({4, 12, 12, 3}), labels = Tensor::from<int32_t>({0, 1, 2, 3}, {4});
  SGD sgd(*network, {.lr = 0.05, .momentum = 0.9});
  double first = 0, last = 0;
  for (int step = 0; step < 30; ++step) {
    const Tensor loss = cross_entropy((*network)(x), labels);
    sgd.zero_grad(), backward(loss), sgd.step();
    (step ? last : first) = loss.item();
  }
  CHECK(last < 0.8 * first);
  CHECK_THAT(summary(*network, {1, 12, 12, 3}), Contains("3.shortcut.0"));

  TemporaryFolder folder;
  const std::string path = folder.path() + "/blocks.safetensors";
  CheckpointInfo info;
  info.model = "gone.json";
  info.description = model_description(blocks);
  info.classes = {"a", "b", "c", "d"};
  save_checkpoint(path, *network, info);
  network->eval();
  NoGrad no_grad;
  CHECK(same_bits((*load_checkpoint(path).network)(x), (*network)(x)));
  CHECK_THROWS_WITH(
      (*made(R"({"type": "ReLU"}, {"type": "Residual", "layers": [{"type": "GlobalAvgPool"}]})"))(
          x),
      Contains("[residual] layers give (4, 3), the input is (4, 12, 12, 3): they need a "
               "shortcut, in layer 1"));
}

TEST_CASE("What is no description of a network is refused with the file's name") {
  auto refused = [](const std::string& text, const std::string& what) {
    INFO(text);
    CHECK_THROWS_WITH(sequential_model("net.json", text, {}), Contains("net.json: " + what));
  };
  refused("", "is no JSON");
  refused("{\"layers\": [}", "is no JSON");
  refused("[]", "the network is no object");
  refused("{}", "the network has no 'layers'");
  refused("{\"layers\": 3}", "the network needs a list that is not empty as 'layers', not 3");
  refused("{\"layers\": [{\"type\": \"ReLU\"}], \"name\": 1}", "the network has no use for 'name'");
  CHECK_THROWS_WITH(make_model("nowhere.json", {}),
                    Contains("nowhere.json: cannot be read: No such file"));
  TemporaryFolder folder;
  const std::string path = folder.path() + "/x.json";
  CHECK_THROWS_AS(make_model(path, {}), FormatError);
  std::ofstream(path) << "{\"layers\": [{\"type\": \"ReLU\"}]}";
  CHECK(make_model(path, {})->parameter_count() == 0);
  save_checkpoint(folder.path() + "/x.safetensors", *make_model(path, {}), {});
  CHECK_THROWS_WITH(load_weights(folder.path() + "/x.safetensors", path),
                    Contains("has no weights to load"));
}

TEST_CASE("A checkpoint whose description is missing or wrong is refused") {
  TemporaryFolder folder;
  const std::string path = folder.path() + "/net.safetensors";
  CheckpointInfo info;
  info.model = example;  // the file exists, but a checkpoint stands for itself
  info.classes = {"a"};
  save_checkpoint(path, *made(R"({"type": "ReLU"})"), info);
  CHECK_THROWS_WITH(load_checkpoint(path), Contains("has no 'description'"));
  info.description = "{\"layers\": [{\"type\": \"Nothing\"}]}";
  save_checkpoint(path, *made(R"({"type": "ReLU"})"), info);
  CHECK_THROWS_WITH(load_checkpoint(path), Contains(path + ": ") && Contains("layer 0 (Nothing)"));
}

TEST_CASE("What others named is quoted and cut in messages") {
  check_refused(R"({"type": "\u001b[31mReLU\nforged"})",
                "layer 0 (\\x1b[31mReLU\\nforged) is of no");
  check_refused(R"({"type": "ReLU", "\u0007": 1})", "layer 0 (ReLU) has no use for '\\x07'");
  const std::string name = "\x1b[31m\n" + std::string(1'000'000, 'x');
  const auto network = made(R"({"type": "ReLU"})");
  const auto short_and_plain = [](auto f) {
    try {
      f();
    } catch (const Error& e) {
      const std::string what = e.what();
      CHECK_THAT(what, Contains("\\x1b[31m\\nxxx"));
      CHECK(what.size() < 700);
      return;
    }
    FAIL("nothing was thrown");
  };
  short_and_plain([&] { made("{\"type\": \"\\u001b[31m\\n" + name.substr(6) + "\"}"); });
  short_and_plain([&] { network->find(name); });
  short_and_plain([&] { Watch(*network, name); });
  short_and_plain([&] { freeze(*network, name); });  // a network without parameters, too
  short_and_plain([&] { make_model(name, {}); });
  short_and_plain([&] { make_activation(name); });
}
