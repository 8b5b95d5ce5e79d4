// The rung on tensor cores, beyond what all rungs share (conv_ladder_test.cpp): every tile, slices,
// rounding to TF32, images that have to be packed.
#include <algorithm>
#include <cmath>
#include <map>

#include "kernels/conv/mma.h"
#include "kernels/machine/sim/banks.h"
#include "kernels/quotient.h"
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

// Of the largest magnitude: sums in float of products that are exact, and one rounding of bf16.
double tolerance_of(DType dtype) { return dtype == DType::float32 ? 1e-5 : 4e-3; }

// Calls f<T>(here).
template <class F>
void with(DType dtype, Device device, F f) {
  on<Cuda, Sim>(device, [&](auto& here) {
    dtype == DType::float32 ? f.template operator()<float>(here)
                            : f.template operator()<bf16>(here);
  });
}

template <class F>
void everywhere(F f) {
  for (Device device : devices())
    for (DType dtype : {DType::float32, DType::bfloat16}) {
      INFO(device.name() << ", " << name_of(dtype));
      f(device, dtype);
    }
}

}  // namespace

TEST_CASE("every tile, in one slice and in several, gives the same convolution", "[mma]") {
  // 310 places and 136 filters: the last tile of each kind is cut in both directions.
  const Conv c{{2, 31, 5, 24, 3, 1, 1}, 136};
  everywhere([&](Device device, DType dtype) {
    const Tensor x = rounded_to_tf32(random_tensor({2, 31, 5, 24}, dtype, device, 1));
    const Tensor w = rounded_to_tf32(random_tensor({136, 3, 3, 24}, dtype, device, 2));
    const Tensor b = random_tensor({136}, dtype, device, 3);
    const ByDefinition wanted(x, w, b.to_doubles(), {}, 1, 1);
    // What it is added to.
    const Tensor begun = random_tensor({2, 31, 5, 136}, dtype, device, 4);
    const auto before = begun.to_doubles();
    ByDefinition more = wanted;
    for (std::size_t i = 0; i < more.y.size(); ++i) more.y[i] += before[i];
    for (const MmaTile& tile : mma_tiles)
      for (int64_t slices : {1, 3}) {
        INFO(tile.rows << "x" << tile.columns << ", " << slices << " slices");
        const int64_t places = forward_slide(c).places();
        const Tensor partial =
            Tensor::empty({slices > 1 ? slices : 0, places, 136}, DType::float32, device);
        auto run = [&](int64_t blocks, bool adds) {
          Slide s = forward_slide(c);
          s.adds = adds;
          const Tensor y = adds ? begun.clone() : Tensor::full(begun.shape(), NAN, dtype, device);
          with(dtype, device, [&]<class T>(auto& here) {
            conv_mma(here, s, {tile, slices}, Activation::none, x.read<T>(), w.read<T>(),
                     b.read<T>(), y.write<T>(), partial.write<float>(), {}, blocks);
          });
          return y;
        };
        const Tensor y = run(0, false);
        CHECK(difference(y.to_doubles(), wanted.y, tolerance_of(dtype)) == "");
        CHECK(same_bits(run(3, false), y));
        const Tensor sum = run(0, true);
        CHECK(difference(sum.to_doubles(), more.y, tolerance_of(dtype)) == "");
        CHECK(same_bits(run(3, true), sum));
      }
  });
}

TEST_CASE("every tile, in one slice and in several, gives the same weight gradient", "[mma]") {
  const Conv c{{2, 17, 5, 24, 3, 1, 1}, 136};
  const Slide s = forward_slide(c);
  everywhere([&](Device device, DType dtype) {
    const Tensor x = rounded_to_tf32(random_tensor({2, 17, 5, 24}, dtype, device, 1));
    const Tensor dz = rounded_to_tf32(random_tensor({2, 17, 5, 136}, dtype, device, 2));
    const Tensor w = Tensor::zeros({136, 3, 3, 24}, dtype, device);
    const ByDefinition wanted(x, w, {}, dz.to_doubles(), 1, 1);
    for (const MmaTile& tile : mma_weight_tiles)
      for (int64_t slices : {1, 3}) {
        INFO(tile.rows << "x" << tile.columns << ", " << slices << " slices");
        auto run = [&](int64_t blocks) {
          const Tensor partial = Tensor::full({slices, w.size()}, NAN, DType::float32, device);
          const Tensor dw = Tensor::empty(w.shape(), dtype, device);
          with(dtype, device, [&]<class T>(auto& here) {
            conv_mma_weight(here, s, {tile, slices}, 136, x.read<T>(), dz.read<T>(),
                            partial.write<float>(), blocks);
            add_weight_slices(here, c, pack_channels(24, 8), 136, slices, partial.read<float>(),
                              dw.write<T>());
          });
          return dw;
        };
        const Tensor dw = run(0);
        CHECK(difference(dw.to_doubles(), wanted.dw, tolerance_of(dtype)) == "");
        CHECK(same_bits(run(3), dw));
      }
  });
}

#ifndef __SANITIZE_ADDRESS__  // which leaves the simulator's checks out
TEST_CASE("the main loops have no bank conflicts", "[mma]") {
  const Device device = Device::parse("sim");
  if (std::ranges::count(test_devices(), device) == 0) return;
  Sim& sim = sim_machine();
  const Conv c{{1, 19, 7, 24, 3, 1, 1}, 136};
  const Slide s = forward_slide(c);
  sim.count_banks = true;
  sim::take_bank_counts();
  for (DType dtype : {DType::float32, DType::bfloat16}) {
    const Tensor x = random_tensor({1, 19, 7, 24}, dtype, device, 1);
    const Tensor w = random_tensor({136, 3, 3, 24}, dtype, device, 2);
    const Tensor y = random_tensor({1, 19, 7, 136}, dtype, device, 3);
    const Tensor partial = Tensor::empty({w.size()}, DType::float32, device);
    with(dtype, device, [&]<class T>(auto& here) {
      for (const MmaTile& tile : mma_tiles)
        conv_mma(here, s, {tile, 1}, Activation::none, x.read<T>(), w.read<T>(), Span<const T>(),
                 y.write<T>(), Span<float>());
      for (const MmaTile& tile : mma_weight_tiles)
        conv_mma_weight(here, s, {tile, 1}, 136, x.read<T>(), y.read<T>(), partial.write<float>());
    });
  }
  sim.count_banks = false;
  // All that goes to the ring, and all that is read from it: ldmatrix, and TF32's own loads.
  std::map<std::string, int64_t> accesses;
  for (const auto& count : sim::take_bank_counts()) {
    const bool main_loop = count.what == "cp.async" || count.what == "ldmatrix" ||
                           (count.what == "load" && count.line.rfind("mma_tile.h", 0) == 0);
    INFO(count.line << " " << count.what << ": " << count.wavefronts << " wavefronts for "
                    << count.accesses << " accesses");
    if (main_loop) CHECK(count.conflicts == 0);
    if (main_loop) accesses[count.what] += count.accesses;
    // The sums on their way out, once a tile: 16 bytes of every second eighth of two lines.
    CHECK(count.wavefronts <= 8 * count.accesses);
  }
  for (const char* what : {"cp.async", "ldmatrix", "load"}) CHECK(accesses[what] > 1000);
}
#endif

TEST_CASE("float32 is rounded to TF32, not cut", "[mma]") {
  for (Device device : devices()) {
    const Tensor x = require_grad(random_tensor({2, 6, 5, 8}, DType::float32, device, 1));
    const Tensor w = require_grad(random_tensor({12, 3, 3, 8}, DType::float32, device, 2));
    const Tensor y = conv2d(x, w, {}, {.padding = 1, .algorithm = &conv::mma});
    const Tensor dy = random_tensor(y.shape(), DType::float32, device, 3);
    const auto gradients = grad_of(y, {x, w}, false, dy);
    const ByDefinition wanted(rounded_to_tf32(x), rounded_to_tf32(w), {},
                              rounded_to_tf32(dy).to_doubles(), 1, 1);
    CHECK(difference(y.to_doubles(), wanted.y, 1e-5) == "");
    CHECK(difference(gradients[0].to_doubles(), wanted.dx, 1e-5) == "");
    CHECK(difference(gradients[1].to_doubles(), wanted.dw, 1e-5) == "");
    const ByDefinition exact(x, w, {}, dy.to_doubles(), 1, 1);
    CHECK(difference(y.to_doubles(), exact.y, 3e-5) != "");
    CHECK(difference(y.to_doubles(), exact.y, 1e-3) == "");
  }
}

TEST_CASE("images that a slice has put out of line are packed", "[mma]") {
  everywhere([&](Device device, DType dtype) {
    const int64_t one = dtype == DType::float32 ? 4 : 8;  // numbers in 16 bytes
    // An image of three pixels, whose second begins three numbers after a multiple of 16 bytes.
    const Tensor odd = rounded_to_tf32(random_tensor({one * 3 * 5 + 3}, dtype, device, 1));
    const Tensor x = odd.slice(3, 3 + one * 15).reshape({1, 5, 3, one});
    const Tensor w = rounded_to_tf32(random_tensor({one, 3, 3, one}, dtype, device, 2));
    const ByDefinition wanted(x, w, {}, {}, 1, 1);
    CHECK(difference(conv2d(x, w, {}, {.padding = 1, .algorithm = &conv::mma}).to_doubles(),
                     wanted.y, tolerance_of(dtype)) == "");
  });
}

TEST_CASE("float64 and vast windows on tensor cores are implicit's", "[mma]") {
  for (Device device : devices()) {
    const Conv largest{{1, 20, 20, 8, mma_most_taps, 1, 7}, 8}, larger{{1, 20, 20, 8, 17, 1, 8}, 8};
    CHECK(plan_of(largest, DType::float32, device, &conv::mma) == "mma, mma, mma");
    CHECK(plan_of(larger, DType::float32, device, &conv::mma) == "implicit, implicit, implicit");
  }
  for (Device device : devices()) {
    const Tensor x = random_tensor({2, 6, 5, 3}, DType::float64, device, 1);
    const Tensor w = random_tensor({4, 3, 3, 3}, DType::float64, device, 2);
    auto by = [&](const ConvAlgorithm& algorithm) {
      return conv2d(x, w, {}, {.algorithm = &algorithm});
    };
    CHECK(same_bits(by(conv::mma), by(conv::implicit)));
  }
}

TEST_CASE("quotients are exact over all of their range", "[mma]") {
  for (int divisor :
       {1, 2, 3, 5, 7, 9, 64, 147, 4096, 12321, 65535, 65537, 0x7ffffffe, 0x7fffffff}) {
    const Quotient q(divisor);
    for (int64_t near = 0; near <= 0x7fffffff; near += 0x7fffffff / 37)
      for (int64_t n = near / divisor * divisor - 2; n <= near / divisor * divisor + 2; ++n)
        if (n >= 0 && n <= 0x7fffffff && q.of(int(n)) != n / divisor) FAIL(n << " / " << divisor);
  }
}

TEST_CASE("products are cut by their shape", "[mma]") {
  auto forward = [](const Conv& c) { return mma_plan(forward_slide(c), 2); };
  auto weight = [](const Conv& c) { return mma_weight_plan(forward_slide(c), c.out_channels, 2); };
  const Conv early{{256, 32, 32, 64, 3, 1, 1}, 64}, late{{256, 4, 4, 512, 3, 1, 1}, 512};
  const Conv few{{8, 4, 4, 512, 3, 1, 1}, 512}, none{{1, 1, 1, 8, 3, 1, 1}, 8};
  CHECK(forward(early) == MmaPlan{{256, 64}, 1});
  CHECK(forward(late) == MmaPlan{{128, 128}, 2});  // 128 tiles on 132 multiprocessors
  CHECK(forward(few) == MmaPlan{{64, 64}, 9});     // 16 tiles; 144 steps are 9 slices of 16
  CHECK(forward(none) == MmaPlan{{128, 16}, 1});
  CHECK(weight(early) == MmaPlan{{64, 128}, 52});
  CHECK(weight(late) == MmaPlan{{128, 128}, 1});
  // Scratch memory: never more than two waves of tiles, or one set of sums.
  for (const Conv& c : {early, late, few, none}) {
    const Slide s = forward_slide(c);
    for (const auto& [plan, sums] : {std::pair(forward(c), s.places() * s.results()),
                                     std::pair(weight(c), c.out_channels * s.patch())})
      if (plan.slices > 1) CHECK(plan.slices * sums <= 264 * plan.tile.rows * plan.tile.columns);
  }
  Slide vast = forward_slide({{1 << 20, 64, 64, 8, 1, 1, 0}, 8});
  CHECK_THROWS_WITH(check_mma_size(vast, 2),
                    "[conv2d] 'mma' counts in 31 bits: 4294967296 places, 4294967296 pieces of 16 "
                    "bytes; use a smaller batch");
}

}  // namespace tweed
