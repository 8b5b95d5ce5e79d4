// Two devices in one process, which take turns: cpu and sim, or cuda:0 and the one of --device.
#include <thread>

#include "autograd/functions.h"
#include "autograd/matmul.h"
#include "data/dataset.h"
#include "nn/models/models.h"
#include "tests/catch.h"
#include "tests/support.h"
#include "train/trainer.h"

using namespace tweed;

namespace {

std::vector<Device> two_devices() {
  const auto all = test_devices();
  if (all.size() == 2) return all;
  if (all[0].is_cuda()) return {Device(Device::Kind::cuda, 0), all[0]};
  return {all[0], all[0]};
}

// Six training images of 16 x 16 pixels.
const Dataset& scenes() {
  static const DataSplits data = open_dataset(
      "tiny", {.classes = "3", .image_size = 16, .tiny_train = 2, .tiny_validation = 1});
  return data.train;
}

// With what is recorded, and copies beside it.
struct Training {
  explicit Training(Device device) : trainer(network(device), scenes(), options(device)) {}
  static ModulePtr network(Device device) {
    auto net = make_model("simplenet_bn", {.classes = 3, .seed = 1, .image_size = 16});
    net->to(device);
    return net;
  }
  static TrainerOptions options(Device device) {
    const bool slow = device.kind() == Device::Kind::sim;
    return {
        .lr = 0.02, .epochs = slow ? 1 : 2, .batch_size = 2, .ema = 0.9, .seed = 5, .workers = 1};
  }
  bool step() {
    if (trainer.done()) return false;
    if (!trainer.step()) trainer.end_epoch();
    return true;
  }
  Trainer trainer;
};

void check_same(const TrainerState& a, const TrainerState& b) {
  CHECK(a.position.score.loss == b.position.score.loss);
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    INFO(a.tensors[i].name);
    CHECK(same_bits(a.tensors[i].tensor, b.tensors[i].tensor));
  }
}

// Launches, and a product by a library that has a handle for each GPU; no copy, and no memory that
// was not used before once this has run.
Tensor computed(const Tensor& x) { return relu(matmul(x, x)); }

}  // namespace

TEST_CASE("Two devices that train by turns end with the bits of each alone") {
  const auto devices = two_devices();
  Training first(devices[0]), second(devices[1]);
  for (bool more = true; more;) {
    more = first.step();
    more = second.step() || more;
  }
  for (Training* both : {&first, &second}) {
    const Device device = devices[both == &second];
    INFO(device.name());
    Training alone(device);
    while (alone.step()) {
    }
    check_same(both->trainer.state(), alone.trainer.state());
  }
  // GPUs of one kind compute alike.
  if (devices[0].is_cuda() && devices[1].is_cuda())
    check_same(first.trainer.state(), second.trainer.state());
}

TEST_CASE("Tensors travel between two devices that compute") {
  const auto devices = two_devices();
  const Tensor x = random_tensor({300, 7}, DType::float32, devices[0], 3);
  Tensor here = x;
  for (int turn = 1; turn <= 6; ++turn) {
    const Tensor there = here.to(devices[turn % 2]);
    CHECK(there.device() == devices[turn % 2]);
    here = there.clone();  // a copy on that device, which the next one waits for
  }
  CHECK(same_bits(here, x));
}

TEST_CASE("Two devices compute by turns, on an old thread and on a new one") {
  const auto devices = two_devices();
  const Tensor x[] = {random_tensor({8, 8}, DType::float32, devices[0], 1),
                      random_tensor({8, 8}, DType::float32, devices[1], 1)};
  const Tensor wanted[] = {computed(x[0]), computed(x[1])};
  for (int turn = 0; turn < 6; ++turn) {
    Tensor got = computed(x[turn % 2]);
    CHECK(same_bits(got, wanted[turn % 2]));
    std::thread([&] { got = computed(x[turn % 2]); }).join();
    CHECK(same_bits(got, wanted[turn % 2]));
  }
}
