// Sums over axes, softmax and losses, normalisation.
#include "autograd/dispatch.h"
#include "autograd/loss.h"
#include "autograd/norm.h"
#include "benchmarks/kernel_cases.h"
#include "kernels/batch_norm.h"
#include "kernels/bias.h"
#include "kernels/reduce.h"
#include "kernels/softmax.h"
#include "kernels/top.h"

namespace tweed::bench {
namespace {

constexpr int64_t C = 64;

int64_t rows_for(const Setting& s) { return s.rows(131072); }

void add_sums(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  const int64_t rows = rows_for(s);
  const Tensor x = random_values({rows, C}, device, 1);
  auto add = [&](const char* what, const Reduction& view, Fold f = Fold::sum) {
    const Tensor y = Tensor::empty({view.outer * view.inner}, x.dtype(), device),
                 scratch = Tensor::empty({view.scratch()}, x.dtype(), device);
    cases.push_back({std::string(f == Fold::sum ? "sum over " : "max over ") + what,
                     bytes_of({x, y}), 0, "", [=] {
                       on(device, [&](auto& here) {
                         fold(here, f, view, 1, x.read<float>(), y.write<float>(),
                              scratch.write<float>());
                       });
                     }});
    if (f != Fold::sum) return;
    cases.push_back({std::string("repeat along ") + what, bytes_of({x, y}), 0, "", [=] {
                       on(device, [&](auto& here) {
                         repeat(here, view, 1, y.read<float>(), x.write<float>());
                       });
                     }});
  };
  add("rows", {1, rows, C});
  add("the last axis", {rows, C, 1});
  add("the middle axis", {32, rows / 32, C});
  add("everything", {1, rows * C, 1});
  add("rows", {1, rows, C}, Fold::max);
  add("the last axis", {rows, C, 1}, Fold::max);
}

void add_bias(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  const int64_t rows = rows_for(s);
  const Tensor bias = random_values({C}, device, 1), y = random_values({rows, C}, device, 2),
               dy = random_values({rows, C}, device, 3), dz = Tensor::empty_like(dy),
               dbias = Tensor::empty_like(bias),
               partial = Tensor::empty({bias_slabs(rows, C), C}, y.dtype(), device);
  cases.push_back({"bias and relu", bytes_of({y, y}), 0, "", [=] {
                     on(device, [&](auto& here) {
                       bias_forward(here, Activation::relu, rows, bias.read<float>(),
                                    y.write<float>());
                     });
                   }});
  cases.push_back({"bias and relu backward", bytes_of({y, dy, dz}), 0, "", [=] {
                     on(device, [&](auto& here) {
                       bias_backward(here, Activation::relu, rows, dy.read<float>(),
                                     y.read<float>(), dz.write<float>(), dbias.write<float>(),
                                     partial.write<float>());
                     });
                   }});
}

void add_batch_norm(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  const int64_t rows = rows_for(s);
  auto channels = [&](double v) { return Tensor::full({C}, v, DType::float32, device); };
  const Tensor x = random_values({rows, C}, device, 1), y = random_values({rows, C}, device, 2),
               dy = random_values({rows, C}, device, 3), dx = Tensor::empty_like(x),
               gamma = channels(1), beta = channels(0), mean = channels(0), rstd = channels(1),
               dgamma = channels(0), dbeta = channels(0),
               partial = Tensor::empty({batch_norm_slabs(rows, C) + 1, 2, C}, x.dtype(), device);
  cases.push_back({"batch norm statistics", bytes_of({x}), 0, "", [=] {
                     on(device, [&](auto& here) {
                       batch_norm_statistics(here, rows, 1e-5, 0.1, x.read<float>(),
                                             mean.write<float>(), rstd.write<float>(),
                                             Span<float>(), Span<float>(), Span<int32_t>(),
                                             partial.write<float>());
                     });
                   }});
  cases.push_back({"batch norm and relu", bytes_of({x, y}), 0, "", [=] {
                     on(device, [&](auto& here) {
                       batch_norm_forward(here, Activation::relu, rows, x.read<float>(),
                                          gamma.read<float>(), beta.read<float>(),
                                          mean.read<float>(), rstd.read<float>(), y.write<float>());
                     });
                   }});
  // Two passes: the sums need all of x and dy before dx can be written.
  cases.push_back({"batch norm and relu backward", bytes_of({x, y, dy, x, y, dy, dx}), 0, "", [=] {
                     on(device, [&](auto& here) {
                       batch_norm_backward(here, Activation::relu, true, rows, x.read<float>(),
                                           gamma.read<float>(), mean.read<float>(),
                                           rstd.read<float>(), y.read<float>(), dy.read<float>(),
                                           dx.write<float>(), dgamma.write<float>(),
                                           dbeta.write<float>(), partial.write<float>());
                     });
                   }});
}

void add_softmax(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  const int64_t n = s.rows(65536), classes = 100;
  const Tensor x = random_values({n, classes}, device, 1), dy = random_values({n, classes}, device),
               y = Tensor::empty_like(x), loss = Tensor::empty({n}, x.dtype(), device),
               one = Tensor::full({1}, 1, x.dtype(), device);
  const Tensor targets = Tensor::zeros({n}, DType::int32, device),
               ranks = Tensor::zeros({n}, DType::int32, device);
  for (bool logarithm : {false, true}) {
    const std::string name = logarithm ? "log_softmax" : "softmax";
    cases.push_back({name, bytes_of({x, y}), 0, "exp", [=] {
                       on(device, [&](auto& here) {
                         softmax_forward(here, logarithm, n, x.read<float>(), y.write<float>());
                       });
                     }});
    cases.push_back({name + " backward", bytes_of({x, dy, y}), 0, logarithm ? "exp" : "", [=] {
                       on(device, [&](auto& here) {
                         softmax_backward(here, logarithm, n, x.read<float>(), dy.read<float>(),
                                          y.write<float>());
                       });
                     }});
  }
  cases.push_back({"cross_entropy", bytes_of({x}), 0, "exp", [=] {
                     on(device, [&](auto& here) {
                       cross_entropy_forward(here, 0, no_class, x.read<float>(),
                                             targets.read<int32_t>(), Span<const float>(),
                                             loss.write<float>());
                     });
                   }});
  cases.push_back({"cross_entropy backward", bytes_of({x, y}), 0, "exp", [=] {
                     on(device, [&](auto& here) {
                       cross_entropy_backward(here, n, double(n), 0, no_class, x.read<float>(),
                                              targets.read<int32_t>(), Span<const float>(),
                                              Span<const float>(), one.read<float>(),
                                              y.write<float>());
                     });
                   }});
  cases.push_back({"target_rank", bytes_of({x}), 0, "", [=] {
                     on(device, [&](auto& here) {
                       target_rank(here, x.read<float>(), targets.read<int32_t>(),
                                   ranks.write<int32_t>());
                     });
                   }});
}

// Through the functions that users call: forward, and all gradients.
void add_operation(std::vector<KernelCase>& cases, const std::string& name,
                   const std::vector<Tensor>& inputs, double passes_back,
                   std::function<Tensor(const std::vector<Tensor>&)> f) {
  for (auto& input : inputs) require_grad(input);
  const Tensor y = f(inputs), dy = random_values(y.shape(), y.device(), 9);
  const double once = bytes_of(inputs) + double(y.bytes());
  cases.push_back({name, once, 0, "", [=] {
                     NoGrad no_grad;
                     f(inputs);
                   }});
  cases.push_back(
      {name + " backward", passes_back * once, 0, "", [=] { grad_of(y, inputs, true, dy); }});
}

void add_norms(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  const int64_t rows = rows_for(s);
  const int64_t width = 192, count = rows * C / width;
  const std::vector<Tensor> inputs = {random_values({32, count / 32, width}, device, 1),
                                      Tensor::full({width}, 1, DType::float32, device),
                                      Tensor::zeros({width}, DType::float32, device)};
  add_operation(cases, "layer norm", inputs, 1.5,  // x, dy and dx
                [](auto& in) { return layer_norm(in[0], in[1], in[2]); });
  add_operation(cases, "group norm", inputs, 2.5,  // x and dy twice, and dx
                [](auto& in) { return group_norm(in[0], 8, in[1], in[2]); });
}

void add_losses(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  const int64_t rows = rows_for(s);
  add_operation(cases, "mse_loss",
                {random_values({rows, C}, device, 1), random_values({rows, C}, device, 2)}, 2,
                [](auto& in) { return mse_loss(in[0], in[1]); });
}

void add_places(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  const int64_t rows = rows_for(s);
  const Tensor x = random_values({rows, C}, device, 1),
               values = Tensor::empty({rows, 5}, x.dtype(), device),
               places = Tensor::zeros({rows, 5}, DType::int32, device),
               place = Tensor::zeros({rows}, DType::int32, device),
               column = Tensor::zeros({C}, DType::int32, device);
  auto push = [&](const char* name, double bytes, const char* costs, auto f) {
    cases.push_back({name, bytes, 0, costs, [=] { on(device, f); }});
  };
  push("argmax of the last axis", bytes_of({x}), "", [=](auto& here) {
    arg_extreme(here, true, rows, 1, x.read<float>(), place.write<int32_t>());
  });
  push("argmax of rows", bytes_of({x}), "", [=](auto& here) {
    arg_extreme(here, true, 1, C, x.read<float>(), column.write<int32_t>());
  });
  push("top_k, 5 of 64", bytes_of({x, values, places}), "5 searches", [=](auto& here) {
    top_k_forward(here, rows, 5, x.read<float>(), values.write<float>(), places.write<int32_t>());
  });
  push("top_k, 5 of 64, backward", bytes_of({x, values, places}), "", [=](auto& here) {
    top_k_backward(here, rows, 5, places.read<int32_t>(), values.read<float>(), x.write<float>());
  });
}

}  // namespace

std::vector<KernelCase> row_cases(const Setting& s) {
  std::vector<KernelCase> cases;
  for (auto add :
       {add_sums, add_bias, add_batch_norm, add_softmax, add_norms, add_losses, add_places})
    add(cases, s);
  return cases;
}

}  // namespace tweed::bench
