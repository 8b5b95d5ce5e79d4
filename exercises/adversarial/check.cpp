#include <algorithm>
#include <cmath>

#include "adversarial.h"
#include "autograd/loss.h"
#include "exercises/sheet.h"
#include "nn/eval_mode.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "optim/sgd.h"

namespace tweed::exercise {
namespace {

constexpr std::size_t values_of_batch = 6 * 8 * 8 * 3;
constexpr Budget budget;
// Other budgets: the first comes to its eps in the second step, the other never does.
constexpr Budget others[] = {{4 / 255.f, 3 / 255.f, 2}, {20 / 255.f, 2 / 255.f, 6}};

// Whatever an attack might disturb: batch norm's statistics, and dropout's draws.
ModulePtr small_network() {
  const InitSeed seed(1);
  auto network = std::make_shared<Sequential>();
  network->add("conv", Conv2d(3, 8, 3, {.padding = 1}));
  network->add("bn", BatchNorm2d(8, {.activation = Activation::relu}));
  network->add("dropout", Dropout(0.2));
  network->add("pool", GlobalAvgPool());
  network->add("fc", Linear(8, 4));
  return network;
}

/// What the network was asked: the images, in which mode, and whether they were part of a graph.
struct Asked {
  std::vector<float> images;
  bool training, in_graph;
};
struct Trained {
  ModulePtr network = small_network();
  ParameterBuffer parameters{network->parameters()};
  SGD sgd{parameters, {.lr = 0.1, .momentum = 0.9}};
  std::vector<Asked> asked;
  Tensor images, labels = Tensor::from(std::vector<int32_t>{0, 1, 2, 3, 1, 2}, {6});

  Trained() {
    auto pixels = numbers(values_of_batch, 7);
    for (float& v : pixels) v = std::clamp(0.5f + 0.6f * v, 0.f, 1.f);  // some at both ends
    images = Tensor::from(pixels, {6, 8, 8, 3});
    // Statistics and gradients of an earlier step.
    backward(cross_entropy((*network)(images), labels));
    network->on_input([this](const Tensor& x) {
      asked.push_back({x.to_vector<float>(), network->training(), requires_grad(x)});
      return Tensor();
    });
  }
  std::vector<double> statistics() const {
    std::vector<double> all;
    for (auto& [name, t] : network->buffers())
      for (double v : t.to_doubles()) all.push_back(v);
    return all;
  }
  Tensor attack(const Budget& with = budget) {
    const Tensor y = attacked(*network, images, labels, with);
    expect(y.defined() && y.shape() == images.shape(),
           "The attacked images are " + (y.defined() ? y.shape().str() : "undefined") + ", not " +
               images.shape().str() + ".");
    return y;
  }
  double loss_of(const Tensor& x) const {
    const EvalMode eval(*network);
    const NoGrad no_grad;
    return cross_entropy((*network)(x), labels).item();
  }
};

// The attack in plain loops, and how many pixels differ: where a gradient is almost 0, rounding may
// choose its sign.
std::vector<float> by_hand(Trained& t, const Budget& with) {
  const EvalMode eval(*t.network);
  const auto from = t.images.to_vector<float>();
  auto pixels = from;
  for (int step = 0; step < with.steps; ++step) {
    const Tensor x = require_grad(Tensor::from(pixels, t.images.shape()));
    const auto g = grad_of(cross_entropy((*t.network)(x), t.labels), {x})[0].to_vector<float>();
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      const float moved = pixels[i] + with.stride * float((g[i] > 0) - (g[i] < 0));
      pixels[i] = std::clamp(std::clamp(moved, from[i] - with.eps, from[i] + with.eps), 0.f, 1.f);
    }
  }
  return pixels;
}
std::size_t different(const std::vector<float>& a, const std::vector<float>& b) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) count += std::abs(a[i] - b[i]) > 1e-5f;
  return count;
}

void valid_and_harmful() {
  Trained t;
  const auto x = t.images.to_vector<float>(), y = t.attack().to_vector<float>();
  expect(t.images.to_vector<float>() == x, "The images themselves were changed, not a copy.");
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::string pixel = "Value " + std::to_string(i);
    expect(std::abs(y[i] - x[i]) <= budget.eps + 1e-6f,
           pixel + " changed by " + std::to_string(std::abs(y[i] - x[i]) * 255) +
               "/255, more than 8/255: after each step go back to within eps of the original.");
    expect(y[i] >= 0 && y[i] <= 1,
           pixel + " became " + std::to_string(y[i]) +
               ", which is no pixel: the network would learn from images that nobody can take.");
  }
  const Tensor attacked = Tensor::from(y, t.images.shape());
  const double before = t.loss_of(t.images), after = t.loss_of(attacked);
  expect(after > before, "The loss fell from " + std::to_string(before) + " to " +
                             std::to_string(after) + ": that helps the network.");
}

void right_steps() {
  Trained t, other;
  const auto y = t.attack().to_vector<float>();
  for (auto& a : t.asked)
    expect(!a.training,
           "The network was asked in training mode: then the attack fights against dropout and the "
           "batch's own statistics, which no user of the network will see.");
  const std::size_t wrong = different(y, by_hand(other, budget));
  expect(wrong <= y.size() / 100,
         std::to_string(wrong) + " of " + std::to_string(y.size()) +
             " values are not those of four steps by the sign of a new gradient each.");
  for (const Budget& with : others) {
    const auto changed = other.attack(with).to_vector<float>();
    const std::size_t off = different(changed, by_hand(other, with));
    expect(off <= y.size() / 100,
           std::to_string(off) + " of " + std::to_string(y.size()) + " values are wrong with eps " +
               std::to_string(std::lround(with.eps * 255)) + "/255, stride " +
               std::to_string(std::lround(with.stride * 255)) + "/255 and " +
               std::to_string(with.steps) +
               " steps, and right with the usual budget: are all three taken from `budget`?");
  }
}

void leaves_no_trace() {
  Trained t;
  const auto statistics = t.statistics(), gradients = t.parameters.grads().to_doubles();
  const auto values = t.parameters.values().to_doubles();
  const Tensor y = t.attack();
  expect(t.network->training(),
         "The network was in training mode, and is not any more: EvalMode puts it back.");
  expect(t.statistics() == statistics,
         "The running statistics of the batch norm changed: they would be those of images on their "
         "way. The attack belongs into eval mode.");
  expect(t.parameters.values().to_doubles() == values, "The attack changed the parameters.");
  expect(t.parameters.grads().to_doubles() == gradients,
         "The parameters' gradients have something of the attack in them: backward() adds to all "
         "leaves. grad_of(loss, {x}) asks for the images' alone.");
  expect(
      !requires_grad(t.images),
      "The images given have become a leaf of the graph: require_grad() marks the tensor itself. "
      "Let it mark a copy, Tensor::from(pixels, shape).");
  expect(!requires_grad(y),
         "The attacked images still hang on the attack's graph: training would go back through it "
         "and hold its memory. Tensor::from() and detach() give images of no graph.");
}

// Whoever attacks a network to measure it has it in eval mode already.
void leaves_eval_mode() {
  Trained t;
  t.network->train(false);
  t.attack();
  expect(!t.network->training(),
         "The network came in eval mode and left in training mode: what comes back is the mode "
         "that was, not always training. EvalMode remembers which.");
}

void trains_on_them() {
  Trained t, other;
  const auto statistics = t.statistics();
  const auto attacked_images = other.attack().to_vector<float>();
  adversarial_step(*t.network, t.sgd, t.images, t.labels, budget);
  expect(!t.asked.empty(), "The network was not asked at all.");
  const Asked& last = t.asked.back();
  expect(last.images != t.images.to_vector<float>(),
         "The step trains on the clean images: the attack's are not used.");
  expect(different(last.images, attacked_images) == 0,
         "The step does not train on what attacked() returns.");
  expect(!last.in_graph, "The images of the step belong to a graph: they are to be detached.");
  expect(last.training, "The step's own pass is not in training mode: batch norm learns nothing.");
  expect(t.statistics() != statistics, "The running statistics are as before the step.");
  int training_passes = 0;
  for (auto& a : t.asked) training_passes += a.training;
  expect(training_passes == 1,
         std::to_string(training_passes) +
             " passes were in training mode: only the last, that of the step, "
             "may be.");
}

// Against a step by hand on the same images.
void right_step(const Budget& with) {
  Trained t, other;
  const Tensor x = other.attack(with);
  const double loss = adversarial_step(*t.network, t.sgd, t.images, t.labels, with);
  other.parameters.zero_grad();
  const Tensor wanted = cross_entropy((*other.network)(x), other.labels);
  backward(wanted);
  other.sgd.step();
  expect_equal("the loss", {float(loss)}, {wanted.item()}, 1e-5);
  auto floats = [](const Tensor& v) {
    const auto d = v.to_doubles();
    return std::vector<float>(d.begin(), d.end());
  };
  try {
    expect_equal("the gradient", floats(t.parameters.grads()),
                 other.parameters.grads().to_doubles(), 1e-5);
  } catch (const Wrong& wrong) {
    throw Wrong{wrong.advice +
                " Does it begin at zero, and is it that of the attacked images alone?"};
  }
  expect_equal("the parameters after the step", floats(t.parameters.values()),
               other.parameters.values().to_doubles(), 1e-5);
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("the attack: the loss rises, pixels stay pixels and within eps", 2, valid_and_harmful);
  sheet.part("the attack: its steps, in eval mode", 2, right_steps);
  sheet.part("the attack leaves no trace in the network", 2, [] {
    leaves_no_trace();
    leaves_eval_mode();
  });
  sheet.part("the step trains on the attacked images", 2, trains_on_them);
  sheet.part("the step: loss, gradients, parameters", 2, [] {
    right_step(budget);
    for (const Budget& with : others) right_step(with);
  });
}

}  // namespace tweed::exercise
