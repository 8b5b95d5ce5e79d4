// Windows over images, and copies that only move elements.
#include <array>
#include <cmath>

#include "autograd/dispatch.h"
#include "benchmarks/kernel_cases.h"
#include "kernels/conv/im2col.h"
#include "kernels/gather.h"
#include "kernels/pool.h"
#include "kernels/rearrange.h"
#include "kernels/resample.h"

namespace tweed::bench {
namespace {

void add_pools(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  for (auto [kernel, stride, padding] : {std::array<int64_t, 3>{3, 2, 1}, {2, 2, 0}}) {
    const WindowAxis axis{kernel, stride, padding, padding};
    const AnyWindow w{s.batch(32), s.side(64), s.side(64), 64, axis, axis};
    const PoolWindows p{w.N, w.C, {w.H, w.out_h(), axis}, {w.W, w.out_w(), axis}};
    const std::string what = kernel == 3 ? " 3x3/2" : " 2x2/2";
    const Tensor x = random_values({w.N, w.H, w.W, w.C}, device, 1),
                 y = Tensor::empty({w.N, w.out_h(), w.out_w(), w.C}, DType::float32, device),
                 winner = Tensor::zeros(y.shape(), DType::uint8, device),
                 dx = Tensor::empty_like(x);
    cases.push_back({"max pool" + what, bytes_of({x, y, winner}), 0, "", [=] {
                       on(device, [&](auto& here) {
                         max_pool_forward(here, p, Activation::none, x.read<float>(),
                                          y.write<float>(), winner.write<uint8_t>());
                       });
                     }});
    cases.push_back({"max pool" + what + " backward", bytes_of({dx, y, winner}), 0, "", [=] {
                       on(device, [&](auto& here) {
                         max_pool_backward(here, p, y.read<float>(), winner.read<uint8_t>(),
                                           dx.write<float>());
                       });
                     }});
    cases.push_back({"avg pool" + what, bytes_of({x, y}), 0, "", [=] {
                       on(device, [&](auto& here) {
                         avg_pool_forward(here, p, x.read<float>(), y.write<float>());
                       });
                     }});
    cases.push_back({"avg pool" + what + " backward", bytes_of({dx, y}), 0, "", [=] {
                       on(device, [&](auto& here) {
                         avg_pool_backward(here, p, y.read<float>(), dx.write<float>());
                       });
                     }});
  }
}

void add_patches(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  const Window w{s.batch(16), s.side(64), s.side(64), 64, 3, 1, 1};
  const Tensor image = random_values({w.N, w.H, w.W, w.C}, device, 1),
               columns = Tensor::zeros({w.places(), w.patch()}, DType::float32, device);
  cases.push_back({"im2col 3x3", bytes_of({image, columns}), 0, "", [=] {
                     on(device, [&](auto& here) {
                       im2col(here, w, image.read<float>(), columns.write<float>());
                     });
                   }});
  cases.push_back({"col2im 3x3", bytes_of({image, columns}), 0, "", [=] {
                     on(device, [&](auto& here) {
                       col2im(here, w, columns.read<float>(), image.write<float>());
                     });
                   }});
}

void add_moves(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  const int64_t N = s.batch(32), L = s.side(64) * s.side(64), C = 64;
  const Tensor x = random_values({N, L, C}, device, 1), y = Tensor::empty_like(x);
  auto add = [&](const char* name, double bytes, std::initializer_list<CopyAxis> axes,
                 int64_t offset = 0) {
    StridedCopy copy{.x_offset = offset};
    for (auto& axis : axes) copy.add(axis);
    cases.push_back({name, bytes, 0, "", [=] {
                       on(device, [&](auto& here) {
                         copy_strided(here, copy, x.read<float>(), y.write<float>());
                       });
                     }});
  };
  const double all = bytes_of({x, y});
  add("copy_strided, last axes exchanged", all, {{N, L * C, L * C}, {C, 1, L}, {L, C, 1}});
  add("copy_strided, first axes exchanged", all, {{L, C, N * C}, {N, L * C, C}, {C, 1, 1}});
  add("copy_strided, last axis reversed", all, {{N * L, C, C}, {C, -1, 1}}, C - 1);
  add("copy_strided, half of each row", all / 2, {{N * L, C, C / 2}, {C / 2, 1, 1}});

  const Tensor index = Tensor::zeros({N * L}, DType::int32, device),
               first = Tensor::empty({N * L}, DType::int32, device),
               next = Tensor::empty({N * L}, DType::int32, device);
  std::vector<int32_t> reversed;
  for (int64_t i = N * L; i > 0; --i) reversed.push_back(int32_t(i - 1));
  index.copy_from(Tensor::from(reversed, {N * L}));
  cases.push_back({"gather_rows", bytes_of({x, y, index}), 0, "", [=] {
                     on(device, [&](auto& here) {
                       gather_rows_forward(here, C, x.read<float>(), index.read<int32_t>(),
                                           y.write<float>());
                     });
                   }});
  cases.push_back({"gather_rows backward", bytes_of({x, y, index, first, next}), 0, "", [=] {
                     on(device, [&](auto& here) {
                       gather_rows_backward(here, C, x.read<float>(), index.read<int32_t>(),
                                            y.write<float>(), first.write<int32_t>(),
                                            next.write<int32_t>());
                     });
                   }});
}

void add_resampling(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  auto add = [&](int64_t N, int64_t C) {
    const std::string what = ", " + std::to_string(C) + " channels";
    const int64_t side = s.side(128);
    const Resize half{N, C, {side, side / 2}, {side, side / 2}};
    const Rotation turn{N, side, side, C, std::cos(0.3), std::sin(0.3)};
    const Tensor x = random_values({N, side, side, C}, device, 1), z = Tensor::empty_like(x),
                 y = random_values({N, side / 2, side / 2, C}, device, 2);
    auto push = [&](const char* name, double bytes, auto f) {
      cases.push_back({name + what, bytes, 0, "", [=] { on(device, f); }});
    };
    push("resize to half", bytes_of({x, y}),
         [=](auto& here) { resize_forward(here, half, x.read<float>(), y.write<float>()); });
    push("resize to half backward", bytes_of({x, y}),
         [=](auto& here) { resize_backward(here, half, y.read<float>(), x.write<float>()); });
    push("rotate", bytes_of({x, z}),
         [=](auto& here) { rotate_forward(here, turn, x.read<float>(), z.write<float>()); });
    push("rotate backward", bytes_of({x, z}),
         [=](auto& here) { rotate_backward(here, turn, z.read<float>(), x.write<float>()); });
  };
  add(s.batch(128), 3);
  add(s.batch(8), 64);
}

}  // namespace

std::vector<KernelCase> image_cases(const Setting& s) {
  std::vector<KernelCase> cases;
  for (auto add : {add_pools, add_patches, add_moves, add_resampling}) add(cases, s);
  return cases;
}

}  // namespace tweed::bench
