// Pieces of programs that the pages show, as somebody would use them: each is compiled, and runs.
#include <filesystem>
#include <iostream>
#include <sstream>

#include "tests/catch.h"
#include "tests/kernels/bank_patterns.h"
#include "tests/support.h"
#include "tests/temporary_folder.h"
#include "tweed.h"
// What tweed.h leaves to those who want it.
#include "kernels/machine/sim/banks.h"

using namespace tweed;

namespace {

Dataset flat_images() {
  std::vector<Sample> samples;
  for (int i = 0; i < 1000; ++i) samples.push_back({"number " + std::to_string(i), i % 2, i});
  Dataset data(
      {"dark", "light"}, samples, 40,
      [](const Sample& s) {
        return Image{40, 40, std::vector<uint8_t>(40 * 40 * 3, s.label ? 200 : 50)};
      },
      32);               // stored as 40 x 40, of which a network sees 32 x 32
  data.decode(2, true);  // keeps the pixels; without it each image is made when it is needed
  return data;
}

// What std::cout is given while it lives.
class Said {
 public:
  Said() : before_(std::cout.rdbuf(text_.rdbuf())) {}
  ~Said() { std::cout.rdbuf(before_); }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::streambuf* before_;
};

}  // namespace

TEST_CASE("your-own.md's data set trains") {
  const Dataset data = flat_images();
  CHECK(data.size() == 1000);
  const ModulePtr network =
      hold(Sequential{Conv2d(3, 4, 3, {.stride = 2}), ReLU(), GlobalAvgPool(), Linear(4, 2)});
  Trainer trainer(network, data, {.lr = 0.1, .epochs = 3, .batch_size = 100});
  while (!trainer.done()) trainer.epoch();
  CHECK(trainer.evaluate(data).top1 == 100);
}

TEST_CASE("your-own.md's layers compute") {
  Sequential net{
      Conv2d(3, 16, 3, {.padding = same_padding}),
      ReLU(),
      Residual{Sequential{Conv2d(16, 16, 3, {.padding = same_padding}), BatchNorm2d(16), ReLU()}},
      Residual{Sequential{Conv2d(16, 32, 3, {.stride = 2, .padding = 1}), ReLU()},
               Sequential{Conv2d(16, 32, 1, {.stride = 2})}},
      Concat{Conv2d(32, 8, 1),
             Sequential{Conv2d(32, 4, 1), Conv2d(4, 8, 5, {.padding = same_padding})}},
      GlobalAvgPool(),
      Linear(16, 10)};
  CHECK(net(random_tensor({2, 9, 8, 3})).shape() == Shape{2, 10});
}

TEST_CASE("robust.md's training, and its defence") {
  TemporaryFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  struct {
    Dataset train, validation;
  } data{flat_images(), flat_images()};
  InitSeed seed(3);
  auto network =
      hold(Sequential{Conv2d(3, 4, 3, {.stride = 4}), ReLU(), GlobalAvgPool(), Linear(4, 2)});
  register_defence(
      "noisy", [](const DefenceOptions& o, const ParameterBuffer&, const Tensor&) -> Defence {
        return {[o](Module& network, const Tensor& images, const Tensor& labels, int64_t) {
          return classified(network, random_noise(images, o.attack.space, o.attack.seed), labels);
        }};
      });
  Trainer noisy(network, data.train, {.epochs = 1, .adversarial = "noisy"});
  CHECK(noisy.epoch().loss > 0);

  Trainer trainer(network, data.train, {.epochs = 1, .adversarial = "trades"});  // PGD-10, 8/255
  const Dataset some = balanced(data.validation, 50);
  RobustHistory history;
  while (!trainer.done()) {
    const Score train = trainer.epoch(), robust = trainer.evaluate_robust(some);
    if (history.add(trainer.position().epoch, robust.top1, train.top1, 10))
      save_checkpoint("best_robust.safetensors", *network, info_of("simplenet_bn", data.train));
  }
  CHECK(std::filesystem::exists("best_robust.safetensors"));
  std::filesystem::current_path(before);
}

TEST_CASE("tracing.md's trace") {
  InitSeed seed(3);
  Sequential network{Linear(4, 3)};
  const Tensor images = random_tensor({2, 4}, DType::float32, {}, 1);
  const Tensor labels = Tensor::from(std::vector<int32_t>{0, 2}, {2});
  const Said said;
  Trace trace;
  backward(cross_entropy(network(images), labels));
  trace.stop();
  std::cout << trace.table(images.device());
  CHECK(said.text().find("cross_entropy") != std::string::npos);
}

#ifndef __SANITIZE_ADDRESS__  // without the hooks there is nothing to count
TEST_CASE("three-machines.md's bank conflicts") {
  std::vector<float> x(4096, 1.f), y(4096);
  const Said said;
  Sim sim{.count_banks = true};
  bank_pattern<Sim>(sim, BankPattern::columns, x, y);
  for (const auto& c : sim::take_bank_counts())
    std::cout << c.line << ' ' << c.what << ' ' << c.accesses << ' ' << c.conflicts << '\n';
  CHECK(said.text().find("bank_patterns.cu:") != std::string::npos);
}
#endif
