// All rungs of the convolution ladder: their three passes against the definition, and how one of
// them is chosen. Of those that `cuda` and `sim` have, the same bits for every grid.
#include <algorithm>

#include "autograd/conv/choice.h"
#include "kernels/conv/implicit.h"
#include "kernels/conv/naive.h"
#include "tests/catch.h"
#include "tests/ops/conv_support.h"
#include "tests/support.h"

namespace tweed {
namespace {

std::vector<Device> devices() {
  std::vector<Device> all = test_devices();
  std::erase_if(all, [](Device d) { return d.kind() == Device::Kind::cpu; });
  return all;
}

using Case = ConvCase;

void check_everywhere(const Case& c) {
  for (Device device : test_devices())
    for (const ConvAlgorithm* rung : conv_rows_of(device))
      for (DType dtype : {DType::float64, DType::float32, DType::bfloat16})
        check_conv(c, *rung, dtype, device);
}

}  // namespace

TEST_CASE("every rung follows the definition: kernels, strides, paddings, odd channels",
          "[ladder]") {
  for (const Case& c : every_window({1, 3, 5, 17, 33})) check_everywhere(c);
}

TEST_CASE("every rung follows the definition: nothing, one pixel, windows apart", "[ladder]") {
  check_everywhere({{0, 5, 5, 3}, 4, 3, 1, 1});
  check_everywhere({{1, 1, 1, 1}, 1, 1, 1, 0});
  check_everywhere({{1, 1, 1, 3}, 5, 3, 1, 1, true, Activation::relu});
  check_everywhere({{3, 1, 1, 5}, 2, 1, 3, 0});
  check_everywhere({{2, 11, 5, 3}, 3, 2, 5, 0});  // pixels that no window covers
  check_everywhere({{1, 1, 130, 2}, 3, 1, 1, 0});
  check_everywhere({{1, 16, 17, 2}, 3, 15, 1, 7});
  check_everywhere({{2, 3, 3, 0}, 2, 3, 1, 1});  // no channels: the bias is all
}

// Where mma puts two pixels beside each other: images get a border then, and filters none.
TEST_CASE("every rung follows the definition: even kernels, odd padding, few channels",
          "[ladder]") {
  check_everywhere({{2, 8, 8, 3}, 8, 4, 2, 1});
  check_everywhere({{1, 9, 4, 2}, 8, 2, 4, 3});
  check_everywhere({{2, 7, 6, 1}, 5, 2, 2, 1});
  check_everywhere({{1, 9, 10, 4}, 3, 6, 2, 3, true, Activation::relu});
}

TEST_CASE("every rung follows the definition: several tiles and slabs", "[ladder]") {
  const Case cases[] = {{{1, 21, 19, 9}, 70, 3, 1, 1},
                        {{3, 19, 21, 3}, 65, 7, 2, 3, true, Activation::relu},
                        {{1, 30, 30, 5}, 3, 5, 1, 2, false},
                        {{1, 9, 9, 130}, 66, 3, 2, 1}};
  for (const Case& c : cases) check_everywhere(c);
  CHECK(conv_weight_slabs({{1, 21, 19, 9, 3, 1, 1}, 70}) > 1);
  CHECK(conv_weight_slabs({{3, 19, 21, 3, 7, 2, 3}, 65}) > 1);
}

TEST_CASE("the rungs give the same bits for every grid, and twice", "[ladder]") {
  const Conv c{{4, 18, 17, 9, 3, 2, 1}, 70};
  const Window& w = c.window;
  CHECK(conv_weight_slabs(c) == 2);
  for (Device device : devices())
    for (DType dtype : {DType::float32, DType::bfloat16}) {
      const Tensor x = random_tensor({w.N, w.H, w.W, w.C}, dtype, device, 1);
      const Tensor weight = random_tensor({70, 3, 3, w.C}, dtype, device, 2);
      const Tensor bias = random_tensor({70}, dtype, device, 3);
      const Tensor dz = random_tensor({w.N, w.out_h(), w.out_w(), 70}, dtype, device, 4);
      // y, dx and dweight of both rungs.
      auto results = [&](int64_t blocks) {
        std::vector<Tensor> all;
        for (const Tensor& like : {dz, x, weight, dz, x, weight})
          all.push_back(Tensor::empty(like.shape(), dtype, device));
        const Tensor turned = Tensor::empty(weight.shape(), dtype, device);
        with_floating(dtype, "test", [&]<class T>() {
          using A = acc_t<T>;
          const Tensor partial =
              Tensor::empty({conv_weight_slabs(c), weight.size()}, dtype_of<A>(), device);
          on<Cuda, Sim>(device, [&](auto& here) {
            const Span<const T> in = x.read<T>(), g = dz.read<T>(), f = weight.read<T>();
            conv_naive_forward(here, c, Activation::relu, in, f, bias.read<T>(), all[0].write<T>(),
                               blocks);
            conv_naive_backward_input(here, c, false, g, f, all[1].write<T>(), blocks);
            conv_naive_backward_weight(here, c, false, in, g, all[2].write<T>(), blocks);
            conv_implicit_forward(here, c, Activation::relu, in, f, bias.read<T>(),
                                  all[3].write<T>(), blocks);
            conv_implicit_backward_input(here, c, false, g, f, turned.write<T>(), all[4].write<T>(),
                                         blocks);
            conv_implicit_backward_weight(here, c, false, in, g, all[5].write<T>(),
                                          partial.write<A>(), blocks);
          });
        });
        return all;
      };
      const auto once = results(0);
      for (int64_t blocks : {0, 1, 3, 1000}) {
        const auto again = results(blocks);
        for (std::size_t i = 0; i < once.size(); ++i) {
          INFO(name_of(dtype) << ", " << blocks << " blocks, result " << i);
          CHECK(same_bits(again[i], once[i]));
        }
      }
    }
}

TEST_CASE("the weight gradient's scratch memory is bounded", "[ladder]") {
  for (int64_t in : {1, 3, 64, 100, 512})
    for (int64_t out : {1, 65, 64, 300, 2048})
      for (int64_t kernel : {1, 3, 7}) {
        const Conv c{{256, 112, 112, in, kernel, 1, kernel / 2}, out};
        const int64_t weights = out * c.window.patch();
        CHECK(conv_weight_slabs(c) * weights <= (int64_t(1) << 21) + weights);
      }
}

TEST_CASE("an algorithm that a device does not have is refused by name", "[ladder]") {
  const Device cpu, sim = Device::parse("sim");
  const Tensor x = Tensor::zeros({1, 8, 8, 3}), w = Tensor::zeros({4, 3, 3, 3});
  CHECK_THROWS_WITH(conv2d(x, w, {}, {.algorithm = &conv::implicit}),
                    "[conv2d] 'implicit' works on cuda, sim, not on cpu");
  CHECK_THROWS_WITH(conv2d(x.to(sim), w.to(sim), {}, {.algorithm = &conv::direct}),
                    "[conv2d] 'direct' works on cpu, not on sim");
  CHECK_THROWS_AS(set_conv_algorithm(cpu, &conv::implicit), DeviceError);
  CHECK(conv_algorithm(cpu) == nullptr);
  for (Device device : {cpu, sim})
    for (const ConvAlgorithm* row : conv_rows) {
      const auto all = conv_algorithms(device);
      INFO(row->name << " on " << device.name());
      if (std::find(all.begin(), all.end(), row->name) == all.end())
        CHECK_THROWS_AS(check_conv_algorithm(*row, device), DeviceError);
      else
        CHECK_NOTHROW(check_conv_algorithm(*row, device));
    }
  CHECK(parse_conv_algorithm("auto") == nullptr);
  CHECK_THROWS_WITH(
      parse_conv_algorithm("fast"),
      "there is no convolution 'fast': use auto, naive, im2col, depthwise, implicit, mma, "
      "wgmma, direct, winograd or tiled");
}

TEST_CASE("every row has a name, words for --help, and somebody for what it cannot", "[ladder]") {
  const std::string help = conv_algorithms_help();
  for (const ConvAlgorithm* row : conv_rows) {
    INFO(row->name);
    CHECK(parse_conv_algorithm(row->name) == row);
    CHECK(help.find(", " + std::string(row->name) + " (" + row->about) != std::string::npos);
    CHECK((row->can == nullptr) == (row->otherwise == nullptr));
    CHECK((row->machines.cpu || row->machines.gpus));
  }
}

TEST_CASE("an algorithm is a device's, or that of one call", "[ladder]") {
  const Device sim = Device::parse("sim");
  const Conv c{{32, 32, 32, 64, 3, 1, 1}, 64};
  const Using a(conv::naive, sim);
  CHECK(conv_algorithm(sim) == &conv::naive);
  CHECK(conv_algorithm({}) == nullptr);
  CHECK(plan_of(c, DType::float32, sim) == "naive, naive, naive");
  CHECK(plan_of(c, DType::float32, sim, &conv::im2col) == "im2col, im2col, im2col");
  CHECK(plan_of(c, DType::float64, {}) == "tiled, tiled, tiled");
}

TEST_CASE("auto picks a rung for each pass and says which", "[ladder]") {
  const Device sim = Device::parse("sim");
  const auto f32 = DType::float32, bf = DType::bfloat16;
  const Conv stem{{32, 128, 128, 3, 7, 2, 3}, 64}, pointwise{{32, 32, 32, 64, 1, 1, 0}, 256};
  const Conv wide{{32, 16, 16, 128, 3, 1, 1}, 128}, tiny{{1, 6, 6, 3, 3, 1, 1}, 4};
  CHECK(plan_of(stem, f32, sim) == "implicit, im2col, implicit");
  CHECK(plan_of(pointwise, f32, sim) == "im2col, im2col, im2col");
  CHECK(plan_of(Conv{{32, 32, 32, 64, 3, 1, 1}, 64}, f32, sim) == "implicit, implicit, implicit");
  CHECK(plan_of(stem, bf, sim) == "mma, mma, mma");
  CHECK(plan_of(wide, bf, sim) == "mma, mma, mma");
  CHECK(plan_of(pointwise, bf, sim) == "im2col, im2col, im2col");
  CHECK(plan_of(Conv{{32, 8, 8, 512, 3, 1, 1}, 1024}, bf, sim) == "im2col, im2col, im2col");
  // More than mma can count.
  CHECK(plan_of(Conv{{1 << 21, 32, 32, 64, 3, 1, 1}, 64}, bf, sim) == "im2col, im2col, im2col");
  CHECK(plan_of(tiny, f32, sim) == "naive, naive, naive");
  CHECK(plan_of(wide, f32, sim, &conv::naive) == "naive, naive, naive");
  const AnyConv depthwise{Window{32, 16, 16, 128, 3, 1, 1}, 256, 128};
  const AnyConv halves{Window{32, 16, 16, 128, 3, 1, 1}, 256, 2};
  CHECK(plan_of(depthwise, bf, sim) == "depthwise, depthwise, depthwise");
  CHECK(plan_of(halves, bf, sim) == "im2col, im2col, im2col");
  CHECK(plan_of(halves, bf, sim, &conv::mma) == "im2col, im2col, im2col");
  CHECK(plan_of(halves, bf, sim, &conv::depthwise) == "im2col, im2col, im2col");

  const auto lines = conv_choices();
  auto count = [&](const char* line) { return std::count(lines.begin(), lines.end(), line); };
  CHECK(count("conv 3->64 7x7/2 at 128x128: forward implicit, input im2col, weight implicit") == 1);
  CHECK(count("conv 64->256 1x1/1 at 32x32: forward im2col, input im2col, weight im2col") == 1);
  CHECK(count("conv 128->128 3x3/1 at 16x16: forward naive, input naive, weight naive") == 1);
  plan_conv(Conv{{7, 128, 128, 3, 7, 2, 3}, 64}, f32, sim);  // another batch, the same line
  CHECK(conv_choices() == lines);
  const auto used = conv_algorithms_used();
  CHECK(std::count(used.begin(), used.end(), "naive") == 1);
  CHECK(std::count(used.begin(), used.end(), "im2col") == 1);
  CHECK(std::count(used.begin(), used.end(), "auto") == 0);
}

}  // namespace tweed
