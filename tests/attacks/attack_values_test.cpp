// Attacks against stored images of torchattacks (tests/golden/README.md).
#include <algorithm>
#include <cmath>

#include "tests/attacks/stored.h"
#include "tests/catch.h"
#include "tests/support.h"

using namespace tweed;
using namespace tweed::stored;

namespace {

struct Case {
  const char *stored, *name;
  PgdOptions options;
};
std::vector<Case> cases() {
  auto least = linf(), chosen = linf(), l2_chosen = l2(), fifty = linf(50);
  least.goal = AttackGoal::least_likely;
  chosen.goal = l2_chosen.goal = AttackGoal::lower_target;
  chosen.target = l2_chosen.target = 2;
  fifty.space = pixel_space(1, 1, means, deviation, Norm::l2);
  return {{"fgsm", "fgsm", linf()},        {"ifgsm", "ifgsm", linf()},
          {"mifgsm", "mifgsm", linf()},    {"pgd", "pgd", linf()},
          {"pgd_least", "pgd", least},     {"pgd_chosen", "pgd", chosen},
          {"pgd_l2", "pgd", l2()},         {"pgd_l2_chosen", "pgd", l2_chosen},
          {"deepfool", "deepfool", fifty}, {"cw", "cw", fifty}};
}

}  // namespace

TEST_CASE("Attacks make the images that torchattacks makes") {
  for (Device device : test_devices()) {
    // The simulator and the emulated GPU are slow, and an attack takes hundreds of passes.
    const bool slow = device.kind() != Device::Kind::cpu;
    Stored stored(device, slow ? 2 : 24);
    for (auto& [file, name, options] : cases()) {
      if (slow && std::string(name) != "fgsm") continue;
      INFO(device.name() << " " << file);
      const Tensor images = stored.attacked(name, options);
      const auto got = stored.pixels(images);
      const auto wanted = stored.file.tensors.at(file).slice(0, stored.count).to_doubles();
      // A float32 between 0.5 and 1 is rounded by up to 6e-8, and pixels are normalised, changed
      // and turned back.
      int64_t same = 0;
      double worst = 0;
      for (std::size_t i = 0; i < got.size(); ++i) {
        same += std::abs(got[i] - wanted[i]) <= 1.8e-7;
        worst = std::max(worst, std::abs(got[i] - wanted[i]));
      }
      const double share = double(same) / double(got.size());
      INFO("the same " << share << ", largest difference " << worst);
      CHECK(share > 0.99);
      const auto said = stored.file.tensors.at("answers/" + std::string(file)).to_doubles();
      const auto says = answers(stored.network, images);
      CHECK(std::equal(says.begin(), says.end(), said.begin(),
                       [](int64_t a, double b) { return double(a) == b; }));
    }
  }
}
