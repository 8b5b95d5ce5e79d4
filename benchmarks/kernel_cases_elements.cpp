// Element by element: arithmetic, dropout, conversion, updates of parameters, attack steps.
#include "autograd/dispatch.h"
#include "autograd/elementwise.h"
#include "benchmarks/kernel_cases.h"
#include "kernels/attack.h"
#include "kernels/copy.h"
#include "kernels/dropout.h"
#include "kernels/elementwise.h"
#include "kernels/optimizer.h"

namespace tweed::bench {
namespace {

Shape shape_for(const Setting& s) { return {s.batch(32), s.side(64), s.side(64), 64}; }

// What a formula computes beside moving its data.
const char* costs_of(Unary f) {
  switch (f) {
    case Unary::scale:
    case Unary::shift:
    case Unary::relu:
    case Unary::leaky_relu:
    case Unary::hardswish:
    case Unary::sqrt_of:
    case Unary::abs_of:
    case Unary::clamp_min:
    case Unary::clamp_max:
      return "";
    case Unary::tanh_of:
    case Unary::gelu_tanh:
      return "tanh";
    case Unary::gelu:
      return "erf, exp";
    case Unary::log_of:
      return "log";
    case Unary::power:
      return "pow";
    default:
      return "exp";
  }
}

void add_unary(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  const Shape shape = shape_for(s);
  const Tensor any = random_values(shape, device, 1), dy = random_values(shape, device, 2);
  // libmvec falls back to slow code for numbers that have no logarithm.
  const Tensor positive = abs(any) + 0.1, y = Tensor::empty_like(dy);
  auto add = [&](Unary f, const std::string& name) {
    const bool of_positive = f == Unary::log_of || f == Unary::sqrt_of || f == Unary::power;
    const Tensor x = of_positive ? positive : any;
    const std::string costs = costs_of(f);
    cases.push_back({name, bytes_of({x, y}), 0, costs, [=] {
                       dispatch("bench", x, [&]<class T>(auto& here) {
                         unary_forward(here, f, 0.5, x.read<T>(), y.write<T>());
                       });
                     }});
    const bool keeps = kept_by(f) != Kept::nothing;
    cases.push_back({name + " backward", bytes_of({keeps ? x : Tensor(), dy, y}), 0, costs, [=] {
                       dispatch("bench", x, [&]<class T>(auto& here) {
                         unary_backward(here, f, 0.5, keeps ? x.read<T>() : dy.read<T>(),
                                        dy.read<T>(), y.write<T>());
                       });
                     }});
  };
#define ADD(name, ...) add(Unary::name, #name);
  FOR_UNARY_FORMULAS(ADD)
#undef ADD
}

void add_select(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  const Shape shape = shape_for(s);
  const Tensor a = random_values(shape, device, 1), b = random_values(shape, device, 2),
               y = Tensor::empty_like(a), condition = Tensor::zeros(shape, DType::uint8, device);
  cases.push_back({"select", bytes_of({a, b, y, condition}), 0, "", [=] {
                     on(device, [&](auto& here) {
                       select(here, condition.read<uint8_t>(), a.read<float>(), b.read<float>(),
                              y.write<float>());
                     });
                   }});
}

void add_binary(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  const Shape shape = shape_for(s);
  const Tensor a = random_values(shape, device, 1), y = Tensor::empty_like(a);
  auto add = [&](const char* name, const Tensor& b, const Broadcast& view) {
    cases.push_back({name, bytes_of({a, b, y}), 0, "", [=] {
                       dispatch("bench", a, [&]<class T>(auto& here) {
                         binary(here, Binary::add, view, a.read<T>(), b.read<T>(), y.write<T>());
                       });
                     }});
  };
  const int64_t n = shape.size(), C = shape[-1], N = shape[0];
  add("add, equal shapes", random_values(shape, device, 2), {1, 1, n});
  add("add, a number per channel", random_values({C}, device, 2), {1, n / C, C});
  add("add, a number per sample", random_values({N}, device, 2), {N, n / N, 1});
}

void add_updates(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  const Shape shape = shape_for(s);
  const Tensor x = random_values(shape, device, 1), v = random_values(shape, device, 2),
               w = random_values(shape, device, 3);
  cases.push_back({"axpy", bytes_of({x, w, w}), 0, "", [=] {
                     dispatch("bench", x, [&]<class T>(auto& here) {
                       axpy(here, 1e-6, x.read<T>(), w.write<T>());
                     });
                   }});
  auto numbers_of = [&](const StepNumbers& n) {
    return Tensor::from(std::vector<double>(n.v, n.v + 8), {8}, device);
  };
  const Tensor sgd = numbers_of(Sgd{1e-6, 0.9, 1e-4}.numbers()),
               adam = numbers_of(AdamRule{.lr = 1e-6}.numbers(1));
  cases.push_back({"sgd_step", bytes_of({x, v, v, w, w}), 0, "", [=] {
                     dispatch("bench", x, [&]<class T>(auto& here) {
                       sgd_step(here, false, sgd.read<double>(), x.read<T>(), v.write<T>(),
                                w.write<T>());
                     });
                   }});
  const Tensor m = Tensor::zeros_like(x);
  cases.push_back({"adam_step", bytes_of({x, m, m, v, v, w, w}), 0, "", [=] {
                     dispatch("bench", x, [&]<class T>(auto& here) {
                       adam_step(here, adam.read<double>(), x.read<T>(), m.write<T>(), v.write<T>(),
                                 w.write<T>());
                     });
                   }});
  cases.push_back({"average_step", bytes_of({x, w, w}), 0, "", [=] {
                     dispatch("bench", x, [&]<class T>(auto& here) {
                       average_step(here, 0.999, x.read<T>(), w.write<T>());
                     });
                   }});
  const Tensor scratch = Tensor::empty({sum_of_squares_scratch(x.size())}, x.dtype(), device),
               result = Tensor::empty({1}, x.dtype(), device);
  cases.push_back({"sum_of_squares", bytes_of({x}), 0, "", [=] {
                     dispatch("bench", x, [&]<class T>(auto& here) {
                       using A = acc_t<T>;
                       sum_of_squares(here, x.read<T>(), scratch.write<A>(), result.write<A>());
                     });
                   }});
}

void add_random(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  const Shape shape = shape_for(s);
  const Tensor x = random_values(shape, device, 1), y = Tensor::empty_like(x);
  const RandomKey key{1, Purpose::dropout, 2, 3};
  cases.push_back({"dropout", bytes_of({x, y}), 0, "random numbers", [=] {
                     dispatch("bench", x, [&]<class T>(auto& here) {
                       dropout(here, key, 0.5, x.read<T>(), y.write<T>());
                     });
                   }});
}

void add_attack(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  const Shape images = {s.batch(128), s.side(128), s.side(128), 3};
  auto per_channel = [&](double v) { return Tensor::full({3}, v, DType::float32, device); };
  const Tensor x0 = random_values(images, device, 1), grad = random_values(images, device, 2),
               x = x0.clone(), eps = per_channel(0.1), step = per_channel(0.01),
               lo = per_channel(-2), hi = per_channel(2);
  auto box = [=] {
    return AttackBox<float>{eps.read<float>(), lo.read<float>(), hi.read<float>()};
  };
  cases.push_back({"sign_step", bytes_of({x0, grad, x, x}), 0, "", [=] {
                     on(device, [&](auto& here) {
                       sign_step(here, x0.read<float>(), grad.read<float>(), step.read<float>(),
                                 box(), x.write<float>());
                     });
                   }});
  const RandomKey key{1, Purpose::dropout, 2, 3};
  cases.push_back({"random_start", bytes_of({x0, x}), 0, "random numbers", [=] {
                     on(device, [&](auto& here) {
                       random_start(here, key, x0.read<float>(), box(), x.write<float>());
                     });
                   }});
}

void add_copies(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  const Shape shape = shape_for(s);
  const Tensor x = random_values(shape, device, 1), y = Tensor::empty_like(x),
               half = Tensor::empty(shape, DType::bfloat16, device);
  cases.push_back({"fill", bytes_of({y}), 0, "",
                   [=] { on(device, [&](auto& here) { fill(here, y.write<float>(), 1); }); }});
  cases.push_back({"convert to bf16", bytes_of({x, half}), 0, "", [=] {
                     on(device,
                        [&](auto& here) { convert(here, x.read<float>(), half.write<bf16>()); });
                   }});
}

}  // namespace

std::vector<KernelCase> element_cases(const Setting& s) {
  std::vector<KernelCase> cases;
  for (auto add :
       {add_copies, add_unary, add_select, add_binary, add_updates, add_random, add_attack})
    add(cases, s);
  return cases;
}

}  // namespace tweed::bench
