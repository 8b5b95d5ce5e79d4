// Windows over images, and copies that only move elements.
#include "autograd/dispatch.h"
#include "benchmarks/kernel_cases.h"
#include "kernels/im2col.h"
#include "kernels/pool.h"
#include "kernels/rearrange.h"

namespace tweed::bench {
namespace {

void add_pools(std::vector<KernelCase>& cases, Device device) {
  for (auto [kernel, stride, padding] : {std::array<int64_t, 3>{3, 2, 1}, {2, 2, 0}}) {
    const Window w{32, 64, 64, 64, kernel, stride, padding};
    const std::string what = " " + std::to_string(kernel) + "x" + std::to_string(kernel) + "/2";
    const Tensor x = random_values({w.N, w.H, w.W, w.C}, device, 1),
                 y = Tensor::empty({w.N, w.out_h(), w.out_w(), w.C}),
                 winner = Tensor::zeros(y.shape(), DType::uint8), dx = Tensor::empty_like(x);
    cases.push_back({"max pool" + what, bytes_of({x, y, winner}), 0, "", [=] {
                       on(device, [&](auto& here) {
                         max_pool_forward(here, w, x.read<float>(), y.write<float>(),
                                          winner.write<uint8_t>());
                       });
                     }});
    cases.push_back({"max pool" + what + " backward", bytes_of({dx, y, winner}), 0, "", [=] {
                       on(device, [&](auto& here) {
                         max_pool_backward(here, w, y.read<float>(), winner.read<uint8_t>(),
                                           dx.write<float>());
                       });
                     }});
    cases.push_back({"avg pool" + what, bytes_of({x, y}), 0, "", [=] {
                       on(device, [&](auto& here) {
                         avg_pool_forward(here, w, x.read<float>(), y.write<float>());
                       });
                     }});
    cases.push_back({"avg pool" + what + " backward", bytes_of({dx, y}), 0, "", [=] {
                       on(device, [&](auto& here) {
                         avg_pool_backward(here, w, y.read<float>(), dx.write<float>());
                       });
                     }});
  }
}

void add_patches(std::vector<KernelCase>& cases, Device device) {
  const Window w{16, 64, 64, 64, 3, 1, 1};
  const Tensor image = random_values({w.N, w.H, w.W, w.C}, device, 1),
               columns = Tensor::zeros({w.places(), w.patch()});
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

void add_moves(std::vector<KernelCase>& cases, Device device) {
  const Tensor x = random_values({32, 4096, 64}, device, 1), y = Tensor::empty_like(x);
  cases.push_back({"transpose", bytes_of({x, y}), 0, "", [=] {
                     on(device, [&](auto& here) {
                       transpose(here, 32, 4096, 64, x.read<float>(), y.write<float>());
                     });
                   }});
  cases.push_back({"copy_rows", bytes_of({x}), 0, "", [=] {  // half of y's rows, read and written
                     on(device, [&](auto& here) {
                       copy_rows(here, 65536, 64, x.read<float>(), 128, y.write<float>(), 64);
                     });
                   }});
}

}  // namespace

std::vector<KernelCase> image_cases(Device device) {
  std::vector<KernelCase> cases;
  for (auto add : {add_pools, add_patches, add_moves}) add(cases, device);
  return cases;
}

}  // namespace tweed::bench
