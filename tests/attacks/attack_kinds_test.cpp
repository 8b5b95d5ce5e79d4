// What holds of each attack by its name: bounds, goals, norms, and the parts they are made of.
#include <cmath>
#include <limits>

#include "attacks/apgd.h"
#include "attacks/autoattack.h"
#include "attacks/ball.h"
#include "attacks/carlini.h"
#include "attacks/expectation.h"
#include "attacks/fab.h"
#include "attacks/probability.h"
#include "attacks/rows.h"
#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/reduce.h"
#include "nn/forward_float.h"
#include "tests/attacks/stored.h"
#include "tests/catch.h"
#include "tests/support.h"
#include "train/evaluate.h"

using namespace tweed;
using namespace tweed::stored;

namespace {

PgdOptions small(const std::string& name, Norm norm = Norm::linf) {
  const double eps = norm == Norm::linf ? 6 / 255. : norm == Norm::l2 ? 0.3 : 4;
  const double step = eps * attack_kind(name).stride;
  return {.space = pixel_space(eps, step, means, deviation, norm), .steps = 10};
}

int64_t right(Stored& stored, const Tensor& images) {
  const auto said = answers(stored.network, images);
  const auto labels = stored.labels.to_vector<int32_t>();
  int64_t count = 0;
  for (std::size_t i = 0; i < said.size(); ++i) count += said[i] == labels[i];
  return count;
}

std::vector<Norm> norms_of(const std::string& name) {
  std::vector<Norm> norms;
  for (Norm norm : {Norm::linf, Norm::l2, Norm::l1})
    if (attack_kind(name).norms.find(name_of(norm)) != std::string::npos) norms.push_back(norm);
  return norms;
}

Tensor rows(const std::vector<float>& values) {
  return Tensor::from(values, {1, 1, int64_t(values.size()) / 3, 3});
}

}  // namespace

TEST_CASE("Every attack fools the network and keeps its bounds, in each of its norms") {
  Stored stored{Device()};
  const int64_t clean = right(stored, stored.x);
  CHECK(clean == 23);
  for (auto& name : attack_names())
    for (Norm norm : norms_of(name)) {
      INFO(name << " " << name_of(norm));
      PgdOptions options = small(name, norm);
      if (name == "square") options.steps = norm == Norm::linf ? 200 : 1000;
      if (name == "autoattack" || name.starts_with("fab")) options.steps = 4;
      const Tensor images = stored.attacked(name, options);
      CHECK(images.shape() == stored.x.shape());
      if (!attack_kind(name).bounded) options.space = with_eps(options.space, 100);
      CHECK(outside(images, stored.x, options.space) == 0);
      CHECK(right(stored, images) <= clean - 8);
      // The same once more, and from another seed nothing else but for chance.
      CHECK(same_bits(images, stored.attacked(name, options)));
    }
}

TEST_CASE("An attack knows its norms and goals") {
  auto refuse = [](const char* name, Norm norm, AttackGoal goal, const std::string& what) {
    PgdOptions options = small("pgd", norm);
    options.goal = goal;
    CHECK_THROWS_WITH(settled(name, options), what);
  };
  refuse("square", Norm::l1, AttackGoal::raise_label,
         "attack square knows the norms Linf, L2, not L1");
  refuse("sure", Norm::l2, AttackGoal::raise_label, "attack sure knows the norm Linf, not L2");
  refuse("fab", Norm::l1, AttackGoal::raise_label, "attack fab knows the norms Linf, L2, not L1");
  refuse("deepfool", Norm::l2, AttackGoal::least_likely,
         "attack deepfool goes for no class: it has the goal label alone");
  Stored stored{Device()};
  PgdOptions endless = small("pgd");
  endless.space = normalized_space(0.1, 0.01);
  CHECK_THROWS_WITH(carlini(stored.network, stored.x, stored.labels, endless),
                    "[cw] pixels need bounds, and normalised units have none");
}

TEST_CASE("Goals name the classes that attacks go for") {
  for (Device device : test_devices()) {
    INFO(device.name());
    Stored stored(device, device.kind() == Device::Kind::cpu ? 24 : 3);
    const Tensor logits = forward_float(stored.network, stored.x);
    const auto values = logits.to_doubles();
    const auto labels = stored.labels.to_vector<int32_t>();
    auto goal_labels = [&](AttackGoal goal, uint64_t seed = 0) {
      PgdOptions options = small("pgd");
      options.goal = goal;
      options.target = 3;
      options.seed = seed;
      return labels_to_move(stored.network, stored.x, stored.labels, options).to_vector<int32_t>();
    };
    CHECK(goal_labels(AttackGoal::raise_label) == labels);
    CHECK(goal_labels(AttackGoal::lower_target) == std::vector<int32_t>(labels.size(), 3));
    const auto second = goal_labels(AttackGoal::second_likely),
               random = goal_labels(AttackGoal::random_target);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      double largest = -std::numeric_limits<double>::infinity();
      int32_t likeliest = -1;
      for (int32_t c = 0; c < 5; ++c)
        if (c != labels[i] && values[i * 5 + std::size_t(c)] > largest) {
          largest = values[i * 5 + std::size_t(c)];
          likeliest = c;
        }
      CHECK(second[i] == likeliest);
      CHECK(random[i] != labels[i]);
      CHECK((random[i] >= 0 && random[i] < 5));
    }
    CHECK(goal_labels(AttackGoal::random_target) == random);
    if (labels.size() > 10) CHECK(goal_labels(AttackGoal::random_target, 1) != random);
  }
}

TEST_CASE("More starts leave no more images right, and keep each image's best") {
  Stored stored{Device()};
  PgdOptions options = small("pgd");
  options.steps = 2;
  options.space = pixel_space(4 / 255., 2 / 255., means, deviation);
  auto losses = [&](int restarts) {
    options.restarts = restarts;
    const Tensor images = pgd(stored.network, stored.x, stored.labels, options).images;
    CHECK(outside(images, stored.x, options.space) == 0);
    const NoGrad no_grad;
    const Tensor logits = forward_float(stored.network, images);
    return std::pair(cross_entropies(logits, stored.labels).to_doubles(), right(stored, images));
  };
  const auto [one, right_one] = losses(1);
  const auto [five, right_five] = losses(5);
  CHECK(right_five <= right_one);
  CHECK(five != one);
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(five[i] >= one[i]);
}

TEST_CASE("Into the ball of L1 is the nearest point that is in the box, too") {
  for (Device device : test_devices()) {
    INFO(device.name());
    const Tensor change = rows({0.5f, -0.4f, 0.3f, 0.9f, -0.05f, 0.f}).to(device);
    const Tensor least = Tensor::full({}, -0.35, DType::float32, device),
                 most = Tensor::full({}, 0.35, DType::float32, device);
    // 1.05 in all: all less t, within 0.35: with t = 0.1 it is 0.35 + 0.3 + 0.2 + 0.35 = 1.2, with
    // t = 0.175 it is 0.325 + 0.225 + 0.125 + 0.35 = 1.025.
    const Tensor got = into_ball(change, least, most, 1.025, Norm::l1);
    CHECK(difference(got.to_doubles(), {0.325, -0.225, 0.125, 0.35, 0, 0}, 1e-6) == "");
    // What is inside stays.
    const Tensor inside = into_ball(change * 0.1, least, most, 1.025, Norm::l1);
    CHECK(difference(inside.to_doubles(), (change * 0.1).to_doubles(), 1e-7) == "");
    const Tensor shorter =
        into_ball(rows({3, 4, 0}).to(device), Tensor::full({}, -9, DType::float32, device),
                  Tensor::full({}, 9, DType::float32, device), 1, Norm::l2);
    CHECK(difference(shorter.to_doubles(), {0.6, 0.8, 0}, 1e-7) == "");
  }
}

TEST_CASE("Steps have size 1 in their norm, and none where the gradient is 0") {
  Tensor gradient = random_tensor({2, 5, 8, 3});
  gradient.slice(1, 2).zero();
  const AttackSpace units = normalized_space(1, 1);
  for (Norm norm : {Norm::l2, Norm::l1}) {
    const Tensor way = direction(gradient, norm);
    const auto sizes = change_sizes(way, Tensor::zeros_like(way), units, norm);
    CHECK(sizes[0] == Approx(1));
    CHECK(sizes[1] == 0);
  }
  // In L1 a hundredth of the values: of 120 the largest alone.
  const auto values = direction(gradient, Norm::l1).slice(0, 1).to_doubles();
  CHECK(std::count(values.begin(), values.end(), 0.) == 119);
  const auto signs = sign(Tensor::from(std::vector<float>{-2.f, 0.f, 1e-42f, -1e-45f, 5e20f}, {5}));
  CHECK(signs.to_doubles() == std::vector<double>{-1, 0, 1, -1, 1});
}

TEST_CASE("Onto a plane within a box goes the shortest change") {
  const Tensor x = rows({0.5f, 0.9f, 0.2f}), w = rows({1, 2, -1});
  const Tensor least = Tensor::zeros({}), most = Tensor::full({}, 1);
  auto plane = [&](double c, Norm norm) {
    return onto_plane(x, w, Tensor::full({1, 1, 1, 1}, c), least, most, norm).to_doubles();
  };
  // Along the signs of w until the second meets 1: 0.1 each gives 0.4, and the others go on.
  CHECK(difference(plane(0.4, Norm::linf), {0.1, 0.1, -0.1}, 1e-6) == "");
  CHECK(difference(plane(0.5, Norm::linf), {0.15, 0.1, -0.15}, 1e-6) == "");
  // Along w: 0.05 of it until the second meets 1.
  CHECK(difference(plane(0.3, Norm::l2), {0.05, 0.1, -0.05}, 1e-6) == "");
  CHECK(difference(plane(0.36, Norm::l2), {0.08, 0.1, -0.08}, 1e-6) == "");
  CHECK(difference(plane(-0.6, Norm::l2), {-0.1, -0.2, 0.1}, 1e-6) == "");
  // Out of reach: all the way.
  CHECK(difference(plane(9, Norm::l2), {0.5, 0.1, -0.2}, 1e-6) == "");
  CHECK(difference(plane(0, Norm::l2), {0, 0, 0}, 1e-6) == "");
}

TEST_CASE("The DLR loss is that of its paper") {
  const Tensor logits = Tensor::from(std::vector<float>{5, 3, 1, 0, 2, 7, 4, 1}, {2, 4});
  const Tensor labels = Tensor::from(std::vector<int32_t>{0, 2}, {2}),
               targets = Tensor::from(std::vector<int32_t>{3, 1}, {2});
  // -(5 - 3) / (5 - 1), and -(4 - 7) / (7 - 2)
  CHECK(difference(dlr_loss(logits, labels, {}).to_doubles(), {-0.5, 0.6}, 1e-6) == "");
  // -(5 - 0) / (5 - (1 + 0) / 2), and -(4 - 7) / (7 - (2 + 1) / 2)
  CHECK(difference(dlr_loss(logits, labels, targets).to_doubles(), {-5 / 4.5, 3 / 5.5}, 1e-6) ==
        "");
}

TEST_CASE("AutoAttack fools what any of its parts does") {
  Stored stored{Device()};
  const PgdOptions options = small("autoattack");
  PgdOptions queries = options;
  queries.steps = 100;
  const int64_t all = right(stored, stored.attacked("autoattack", options));
  for (const char* name : {"pgd", "apgd-ce", "fab"})
    CHECK(all <= right(stored, stored.attacked(name, options)));
  CHECK(all <= right(stored, stored.attacked("square", queries)));
}

TEST_CASE("Steps until sure end there, and an ascent on a probability raises it") {
  Stored stored{Device()};
  PgdOptions options{.space = pixel_space(0.5, 1 / 255., means, deviation), .steps = 100};
  auto probability = [&](const Tensor& images, const Tensor& labels) {
    const NoGrad no_grad;
    return logit_of(softmax(forward_float(stored.network, images)), labels).to_doubles();
  };
  const Tensor images = stored.attacked("sure", options);
  const Tensor chances = softmax(forward_float(stored.network, images));
  for (double chance : largest_other(chances, stored.labels).to_doubles()) CHECK(chance >= 0.99);
  // So no image went far: each stopped with its first step beyond.
  for (double size : change_sizes(images, stored.x, options.space, Norm::linf)) CHECK(size < 0.2);

  options = small("probability");
  options.goal = AttackGoal::lower_target;
  options.target = 2;
  const Tensor target = Tensor::full({24}, 2, DType::int32);
  const auto before = probability(stored.x, target),
             after = probability(stored.attacked("probability", options), target);
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(after[i] >= before[i] * 0.999);
  double sum_before = 0, sum_after = 0;
  for (std::size_t i = 0; i < before.size(); ++i) sum_before += before[i], sum_after += after[i];
  CHECK(sum_after > sum_before + 1);
}

TEST_CASE("An attack over draws survives them better than one without") {
  Stored stored{Device()};
  PgdOptions options = small("pgd");
  options.random_start = false;
  const Tensor plain = pgd(stored.network, stored.x, stored.labels, options).images;
  options.draws = 8;
  options.transform = random_view(1);
  const Tensor lasting = pgd(stored.network, stored.x, stored.labels, options).images;
  CHECK(outside(lasting, stored.x, options.space) == 0);
  // The mean loss over other draws than those.
  auto loss_over_views = [&](const Tensor& images) {
    const NoGrad no_grad;
    const Transform others = random_view(2);
    double total = 0;
    for (uint32_t draw = 0; draw < 60; ++draw)
      total +=
          cross_entropy(forward_float(stored.network, others(images, draw)), stored.labels).item();
    return total / 60;
  };
  CHECK(loss_over_views(lasting) > loss_over_views(plain));
  const Transform view = random_view(3);
  CHECK(same_bits(view(stored.x, 4), view(stored.x, 4)));
  CHECK(!same_bits(view(stored.x, 4), view(stored.x, 5)));
}

// What a coursework's program does: it attacks its own images as it is called.
struct AttacksItself : Module {
  explicit AttacksItself(Module& network) : network(network) {}
  Tensor forward(const Tensor& x) override {
    const Tensor labels = Tensor::zeros({x.dim(0)}, DType::int32);
    return network(attack_called("pgd")(small("pgd"), Device())(*this, x, labels));
  }
  std::string description() const override { return "AttacksItself"; }
  Module& network;
};

TEST_CASE("An attack within the network that it attacks is refused") {
  Stored stored{Device()};
  AttacksItself network(stored.network);
  CHECK_THROWS_WITH(network(stored.x), Contains("attacks itself within its forward()"));
  // What was refused leaves nothing behind.
  CHECK(right(stored, stored.attacked("pgd", small("pgd"))) < 15);
}

TEST_CASE(
    "An attack leaves a network's mode as it found it, and sees it in eval mode unless asked") {
  Stored stored{Device()};
  std::vector<bool> modes;
  stored.network.on_output([&](const Tensor& y) {
    modes.push_back(stored.network.training());
    return y;
  });
  stored.network.train();
  for (bool training : {false, true}) {
    modes.clear();
    PgdOptions options = small("pgd");
    options.training_mode = training;
    options.steps = 2;
    for (const char* name : {"pgd", "apgd-ce"}) stored.attacked(name, options);
    CHECK(modes.size() > 4);
    CHECK(std::count(modes.begin(), modes.end(), !training) == 0);
    CHECK(stored.network.training());
  }
}

TEST_CASE("Clean and attacked figures are measured alike, mirrored or not") {
  Stored stored{Device()};
  const auto bytes = stored.file.tensors.at("images").to_vector<uint8_t>();
  std::vector<Sample> samples;
  for (int i = 0; i < 24; ++i) samples.push_back({std::to_string(i), i % 5, i});
  const Dataset data(
      {"a", "b", "c", "d", "e"}, samples, 8,
      [&](const Sample& s) {
        const auto* first = bytes.data() + s.record * 192;
        return Image{8, 8, std::vector<uint8_t>(first, first + 192)};
      },
      8);
  const Attack nothing = [](Module&, const Tensor& x, const Tensor&) { return x; };
  const Attack blacken = [](Module&, const Tensor& x, const Tensor&) { return x * 0; };
  auto loss = [&](const Attack& attack, bool mirrored) {
    return evaluate(stored.network, data,
                    {.normalization = {means, deviation}, .mirrored = mirrored, .attack = attack})
        .loss;
  };
  for (bool mirrored : {false, true}) CHECK(loss(nothing, mirrored) == Approx(loss({}, mirrored)));
  CHECK(loss({}, true) != Approx(loss({}, false)));
  // A picture of one colour is its own mirror image.
  CHECK(loss(blacken, true) == Approx(loss(blacken, false)));
}

TEST_CASE("Recorded attacks have the bits of those that are not") {
  for (Device device : test_devices()) {
    if (device.kind() == Device::Kind::cpu) continue;  // where nothing is recorded
    Stored stored(device, 1);
    for (auto& name : attack_names()) {
      if (!attack_kind(name).recordable) continue;
      // The emulated GPU takes its time.
      const bool some = name == "pgd" || name == "apgd-ce" || name == "cw";
      if (device.kind() == Device::Kind::cuda && !some) continue;
      INFO(device.name() << " " << name);
      PgdOptions options = small(name, name == "cw" || name == "pgd" ? Norm::l2 : Norm::linf);
      options.steps = 2;
      const Attack attack = attack_for_evaluation(name, options, device);
      const Tensor wanted = stored.attacked(name, options);
      // The third call records, the fourth replays.
      for (int call = 0; call < 4; ++call)
        CHECK(same_bits(attack(stored.network, stored.x, stored.labels), wanted));
    }
  }
}
