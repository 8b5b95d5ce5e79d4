// Layers of convolutions: what they compute, their files, their summaries.
#include "nn/conv_layers.h"

#include "autograd/shape_ops.h"
#include "nn/containers.h"
#include "nn/layers.h"
#include "nn/models/sequential.h"
#include "nn/receptive_field.h"
#include "nn/summary.h"
#include "record/checkpoint.h"
#include "record/onnx/export.h"
#include "tests/catch.h"
#include "tests/support.h"
#include "tests/temporary_folder.h"

using namespace tweed;

namespace {

ModulePtr described(const std::string& layers) {
  return sequential_model("net.json", R"({"layers": [)" + layers + "]}", {});
}

std::string refusal(const std::string& layers) {
  try {
    described(layers);
  } catch (const FormatError& e) {
    return e.what();
  }
  return "nothing";
}

// What a layer adds up for a result: the results of ones, by ones.
int64_t counted(Module& layer, const Shape& x) {
  for (auto& [name, t] : layer.parameters())
    t.copy_from(name == "bias" ? Tensor::zeros(t.shape()) : Tensor::full(t.shape(), 1));
  double sum = 0;
  for (double v : layer(Tensor::full(x, 1)).to_doubles()) sum += v;
  return int64_t(sum);
}

}  // namespace

TEST_CASE("padding \"same\" gives a result as large as the image, of any kernel and dilation") {
  for (Pair kernel : {Pair(1), Pair(2), Pair(3), Pair(4), Pair(2, 5), Pair(1, 4)})
    for (Pair dilation : {Pair(1), Pair(2), Pair(1, 3)}) {
      INFO(kernel.str() << " dilated by " << dilation.str());
      Conv2d layer(3, 4, kernel, {.padding = same_padding, .dilation = dilation});
      const Tensor x = random_tensor({2, 7, 6, 3});
      CHECK(layer(x).shape() == Shape{2, 7, 6, 4});
      // As PyTorch: an odd border has one more pixel at the bottom and on the right.
      const int64_t h = dilation.h * (kernel.h - 1), w = dilation.w * (kernel.w - 1);
      const Tensor padded = pad(x, {{0, 0}, {h / 2, h - h / 2}, {w / 2, w - w / 2}, {0, 0}});
      const auto p = layer.parameters();
      const Tensor wanted = conv2d(padded, p[0].tensor, p[1].tensor, {.dilation = dilation});
      CHECK(difference(layer(x).to_doubles(), wanted.to_doubles(), 1e-6) == "");
    }
  for (int64_t kernel : {1, 2, 3, 4}) {
    Conv1d layer(3, 4, kernel, {.padding = same_padding, .dilation = 2});
    CHECK(layer(random_tensor({2, 9, 3})).shape() == Shape{2, 9, 4});
  }
  CHECK_THROWS_WITH(Conv2d(3, 4, 3, {.stride = {1, 2}, .padding = same_padding}),
                    "[conv2d] padding \"same\" takes a stride of 1, not 1 x 2");
  CHECK_THROWS_WITH(Conv1d(3, 4, 3, {.stride = 2, .padding = same_padding}),
                    "[conv1d] padding \"same\" takes a stride of 1, not 2");
}

TEST_CASE("layers in groups have PyTorch's weights and bounds") {
  Conv2d grouped(8, 12, {3, 5}, {.groups = 4});
  CHECK(grouped.weight().shape() == Shape{12, 3, 5, 2});
  ConvTranspose2d turned(8, 12, {3, 5}, {.groups = 4});
  CHECK(turned.parameters()[0].tensor.shape() == Shape{8, 3, 5, 3});
  // torch.nn.init._calculate_fan_in_and_fan_out: the second axis of the file times the kernel.
  for (auto& [layer, terms] : {std::pair<Module*, double>{&grouped, 2 * 15}, {&turned, 3 * 15}})
    for (auto& [name, t] : layer->parameters()) {
      double largest = 0;
      for (double v : t.to_doubles()) largest = std::max(largest, std::abs(v));
      INFO(name);
      CHECK(largest <= 1 / std::sqrt(terms));
      CHECK(largest > 0.6 / std::sqrt(terms));
    }
  CHECK_THROWS_WITH(Conv2d(8, 12, 3, {.groups = 3}), "[conv2d] 3 groups of 8 channels into 12");
  CHECK_THROWS_WITH(ConvTranspose2d(8, 12, 3, {.groups = 8}),
                    "[conv_transpose2d] 8 groups of 8 channels into 12");
}

TEST_CASE("multiply-adds are those of groups and of transposed convolutions") {
  struct Case {
    ModulePtr layer;
    Shape x;
  };
  // Without padding, a result of ones is the number of its products.
  const Case cases[] = {
      {hold(Conv2d(8, 12, 3)), {2, 6, 7, 8}},
      {hold(Conv2d(8, 12, {3, 2}, {.stride = {2, 1}, .dilation = {1, 2}, .groups = 4})),
       {1, 9, 8, 8}},
      {hold(Conv2d(6, 6, 3, {.groups = 6})), {2, 5, 5, 6}},
      {hold(ConvTranspose2d(4, 6, 3)), {2, 4, 5, 4}},
      {hold(ConvTranspose2d(4, 6, {2, 3}, {.stride = 2, .output_padding = 1, .groups = 2})),
       {1, 4, 5, 4}},
      {hold(ConvTranspose2d(3, 3, 2, {.stride = 4, .output_padding = {3, 0}, .groups = 3})),
       {1, 2, 3, 3}},
      {hold(Conv1d(4, 6, 3, {.stride = 2, .dilation = 2, .groups = 2})), {2, 9, 4}}};
  for (auto& [layer, x] : cases) {
    INFO(layer->description());
    const Shape y = (*layer)(Tensor::zeros(x)).shape();
    CHECK(layer->multiply_adds(y) == counted(*layer, x));
  }
}

TEST_CASE("receptive fields of rectangular, dilated and transposed windows") {
  Sequential network;
  network.add("row", Conv2d(3, 4, {1, 7}, {.padding = {0, 3}}))
      .add("column", Conv2d(4, 4, {7, 1}, {.padding = {3, 0}}))
      .add("dilated", Conv2d(4, 4, 3, {.padding = 4, .dilation = 4, .groups = 4}))
      .add("half", Conv2d(4, 4, 2, {.stride = 2}))
      .add("double", ConvTranspose2d(4, 4, 2, {.stride = 2}))
      .add("last", Conv2d(4, 2, 3));
  const auto fields = receptive_fields(network, {1, 32, 32, 3});
  CHECK(fields.at("row").side == 7);
  CHECK(fields.at("column").side == 7);  // 7 x 7
  CHECK(fields.at("dilated").side == 15);
  CHECK(fields.at("half").side == 16);
  CHECK(fields.at("half").stride == 2);
  CHECK(fields.at("double").side == 16);  // each pixel comes of one
  CHECK(fields.at("double").stride == 1);
  CHECK(fields.at("last").side == 18);
}

TEST_CASE("files have PyTorch's axes, those of Conv1d too, and are read back") {
  TemporaryFolder folder;
  CheckpointInfo info;
  info.model = "net.json";
  info.description = R"({"layers": [
    {"type": "Conv2d", "in_channels": 3, "out_channels": 6, "kernel_size": [1, 3], "groups": 3},
    {"type": "ConvTranspose2d", "in_channels": 6, "out_channels": 4, "kernel_size": [2, 3],
     "stride": 2, "groups": 2}]})";
  info.classes = {"a", "b", "c", "d"};
  auto network = sequential_model("net.json", info.description, {.classes = 4});
  save_checkpoint(folder / "x.safetensors", *network, info);
  const SafeTensors file = read_safetensors(folder / "x.safetensors");
  CHECK(file.tensors.at("0.weight").shape() == Shape{6, 1, 1, 3});
  CHECK(file.tensors.at("1.weight").shape() == Shape{6, 2, 2, 3});
  const Checkpoint again = load_checkpoint(folder / "x.safetensors");
  for (std::size_t i = 0; i < network->state().size(); ++i)
    CHECK(same_bits(again.network->state()[i].tensor, network->state()[i].tensor));

  info.description = R"({"layers": [
    {"type": "Conv1d", "in_channels": 4, "out_channels": 6, "kernel_size": 3, "groups": 2}]})";
  auto sequences = sequential_model("net.json", info.description, {.classes = 4});
  save_checkpoint(folder / "y.safetensors", *sequences, info);
  const Tensor weight = read_safetensors(folder / "y.safetensors").tensors.at("0.weight");
  CHECK(weight.shape() == Shape{6, 2, 3});
  const Tensor ours = sequences->parameters()[0].tensor;
  REQUIRE(ours.shape() == Shape{6, 1, 3, 2});
  const auto in_file = weight.to_vector<float>(), in_memory = ours.to_vector<float>();
  for (std::size_t o = 0; o < 6; ++o)
    for (std::size_t c = 0; c < 2; ++c)
      for (std::size_t k = 0; k < 3; ++k)
        CHECK(in_file[(o * 2 + c) * 3 + k] == in_memory[(o * 3 + k) * 2 + c]);
  CHECK(same_bits(load_checkpoint(folder / "y.safetensors").network->parameters()[0].tensor, ours));
}

TEST_CASE("described convolutions take numbers or pairs") {
  CHECK(described(R"({"type": "Conv2d", "in_channels": 8, "out_channels": 16,
                      "kernel_size": [3, 5], "stride": [1, 2], "padding": [1, 2],
                      "dilation": [1, 3], "groups": 4})")
            ->str()
            .find("0: Conv2d(8, 16, kernel 3 x 5, stride 1 x 2, padding 1 x 2, dilation 1 x 3, "
                  "groups 4, "
                  "no activation)\n") != std::string::npos);
  CHECK(
      described(R"({"type": "ConvTranspose2d", "in_channels": 8, "out_channels": 4,
                      "kernel_size": 4, "stride": 2, "padding": 1, "output_padding": [1, 0],
                      "bias": false})")
          ->str()
          .find(
              "0: ConvTranspose2d(8, 4, kernel 4, stride 2, padding 1, output padding 1 x 0)\n") !=
      std::string::npos);
  CHECK(described(R"({"type": "Conv1d", "in_channels": 8, "out_channels": 4, "kernel_size": 3,
                      "padding": "same", "dilation": 2})")
            ->str()
            .find("0: Conv1d(8, 4, kernel 3, stride 1, padding same, dilation 2, no "
                  "activation)\n") != std::string::npos);
  const std::string conv = R"({"type": "Conv2d", "in_channels": 4, "out_channels": 6, )";
  CHECK_THAT(refusal(conv + R"("kernel_size": 3, "groups": 4})"),
             Contains("layer 0 (Conv2d) has 'out_channels' that 'groups' does not divide"));
  CHECK_THAT(refusal(conv + R"("kernel_size": 3, "groups": 3})"),
             Contains("layer 0 (Conv2d) has 'in_channels' that 'groups' does not divide"));
  CHECK_THAT(refusal(conv + R"("kernel_size": [3]})"), Contains("needs an integer"));
  CHECK_THAT(refusal(conv + R"("kernel_size": [3, 0]})"), Contains("needs an integer from 1"));
  CHECK_THAT(refusal(conv + R"("kernel_size": 3, "padding": [1, -1]})"),
             Contains("needs an integer from 0"));
  CHECK_THAT(refusal(R"({"type": "Conv1d", "in_channels": 4, "out_channels": 6, "kernel_size": 3,
                         "padding": [1, 2]})"),
             Contains("layer 0 (Conv1d) needs an integer"));
}
