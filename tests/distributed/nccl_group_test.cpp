// Processes with a GPU each, whose numbers NCCL carries: one, and where there are two GPUs two, as
// threads of this process. NCCL takes threads for processes, and the emulated one checks what they
// call.
#include <exception>
#include <thread>

#include "data/dataset.h"
#include "distributed/engines.h"
#include "nn/models/models.h"
#include "optim/sgd.h"
#include "tests/catch.h"
#include "tests/support.h"
#include "train/trainer.h"

using namespace tweed;

namespace {

constexpr int64_t images = 5;  // of a batch

const Dataset& scenes() {
  static const DataSplits data = open_dataset(
      "tiny", {.classes = "3", .image_size = 16, .tiny_train = 5, .tiny_validation = 1});
  return data.train;
}

// What each of `size` processes makes of its part, on GPUs from 0 on, or the one of a single one.
template <class T>
std::vector<T> of_processes(
    int size, const std::function<T(const std::shared_ptr<ProcessGroup>&, Device)>& part) {
  const std::string id = new_nccl_id();
  std::vector<T> results(static_cast<std::size_t>(size));
  std::vector<std::exception_ptr> errors(results.size());
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      const auto at = std::size_t(rank);
      try {
        const Device gpu = size == 1 ? test_devices()[0] : Device(Device::Kind::cuda, rank);
        const Launch launch{.rank = rank, .size = size, .local_rank = rank, .local_size = size};
        results[at] = part(join_by_nccl(launch, id, gpu), gpu);
      } catch (...) {
        errors[at] = std::current_exception();
      }
    });
  for (auto& t : threads) t.join();
  for (auto& e : errors)
    if (e) std::rethrow_exception(e);
  return results;
}

std::vector<int> sizes() { return gpu_count() > 1 ? std::vector{1, 2} : std::vector{1}; }

struct Trained {
  TrainerState state;
  Score score;
};

// Steps enough for recorded ones.
Trained train(const std::shared_ptr<ProcessGroup>& group, Device device, const std::string& model,
              const TrainerOptions& extra) {
  auto network = make_model(model, {.classes = 3, .seed = 1, .image_size = 16});
  network->to(device);
  TrainerOptions options = extra;
  options.lr = 0.01;
  options.epochs = 2;
  options.batch_size = images;
  options.seed = 5;
  options.workers = 1;
  options.group = group;
  options.sync_bn = group && model == "simplenet_bn";
  Trainer trainer(network, scenes(), options);
  Trained result;
  while (!trainer.done()) {
    while (trainer.step()) {
    }
    trainer.end_epoch();
  }
  result.score = trainer.evaluate(scenes());
  result.state = trainer.state();
  return result;
}

double largest_difference(const TrainerState& a, const TrainerState& b) {
  REQUIRE(a.tensors.size() == b.tensors.size());
  double most = 0;
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    const auto x = a.tensors[i].tensor.to_doubles(), y = b.tensors[i].tensor.to_doubles();
    REQUIRE(x.size() == y.size());
    for (std::size_t k = 0; k < x.size(); ++k) most = std::max(most, std::abs(x[k] - y[k]));
  }
  return most;
}

}  // namespace

TEST_CASE("tensors of all GPUs are added up and gathered", "[nccl]") {
  for (const int size : sizes()) {
    INFO(size << " processes");
    struct Results {
      std::vector<double> sum, whole, elsewhere, gathered;
      bool some = false, none = true;
    };
    const auto all = of_processes<Results>(size, [&](auto& group, Device gpu) {
      const double rank = group->rank();
      Results r;
      auto summed = [&](DType dtype, Device device) {
        const Tensor t =
            Tensor::from(std::vector<float>{float(rank + 1), float(10 * rank), -2}, {3})
                .to(device)
                .to(dtype);
        group->sum(t);
        return t.to_doubles();
      };
      r.sum = summed(DType::float32, gpu);
      if (summed(DType::float64, gpu) != r.sum) throw Error("float64 differs");
      r.whole = summed(DType::int32, gpu);
      r.elsewhere = summed(DType::float32, {});
      r.gathered = group->gather(Tensor::full({2, 1}, rank, DType::float32, gpu)).to_doubles();
      r.some = group->any(group->leads());
      r.none = group->any(false);
      return r;
    });
    const double n = size;
    for (auto& r : all) {
      const std::vector<double> sum{n * (n + 1) / 2, 10 * n * (n - 1) / 2, -2 * n};
      CHECK(r.sum == sum);
      CHECK(r.whole == sum);
      CHECK(r.elsewhere == sum);
      std::vector<double> gathered;
      for (int rank = 0; rank < size; ++rank) gathered.insert(gathered.end(), 2, rank);
      CHECK(r.gathered == gathered);
      CHECK(r.some);
      CHECK_FALSE(r.none);
    }
  }
}

TEST_CASE("bytes travel by way of the GPUs where nothing else carries them", "[nccl]") {
  for (const int size : sizes()) {
    struct Results {
      std::vector<std::string> gathered, empty;
      std::string told, disagreement;
    };
    const auto all = of_processes<Results>(size, [&](auto& group, Device) {
      Results r;
      const std::string own(std::size_t(group->rank() * 3), char('a' + group->rank()));
      r.gathered = group->gather(own);
      r.empty = group->gather(std::string());
      r.told = group->broadcast(group->leads() ? std::string("yes\0no", 6) : "other");
      try {
        check_agreement(*group, {{"value of --lr", std::to_string(group->rank())}});
      } catch (const Error& e) {
        r.disagreement = e.what();
      }
      return r;
    });
    for (auto& r : all) {
      CHECK(r.gathered ==
            (size == 1 ? std::vector<std::string>{""} : std::vector<std::string>{"", "bbb"}));
      CHECK(r.empty == std::vector<std::string>(std::size_t(size)));
      CHECK(r.told == std::string("yes\0no", 6));
      CHECK(r.disagreement == (size == 1 ? ""
                                         : "the processes do not agree: rank 1 has another value "
                                           "of --lr than rank 0 (1 instead of 0)"));
    }
  }
}

TEST_CASE("a step is recorded with the sums that it has to make", "[nccl]") {
  for (const int size : sizes()) {
    struct Results {
      std::vector<bool> replays;
      std::vector<double> weights;
    };
    const auto all = of_processes<Results>(size, [&](auto& group, Device gpu) {
      auto network = make_model("simplenet", {.classes = 3, .seed = 1, .image_size = 16});
      network->to(gpu);
      ParameterBuffer parameters(network->parameters());
      SGD sgd(parameters, SGD::Options{0.01, 0.9, 1e-4});
      SharedStep shared(group, parameters, 2 * size, {group->rank(), size}, false);
      Step step(*network, parameters, sgd, {.shared = &shared},
                random_tensor({2, 16, 16, 3}, DType::float32, gpu, uint64_t(group->rank())),
                Tensor::from(std::vector<int32_t>{1, 2}, {2}).to(gpu));
      Results r;
      for (int i = 0; i < 4; ++i) {
        step(i);
        r.replays.push_back(step.replays());
      }
      r.weights = parameters.values().to_doubles();
      return r;
    });
    for (auto& r : all) {
      CHECK(r.replays == std::vector<bool>{false, false, true, true});
      CHECK(r.weights == all[0].weights);
    }
  }
}

TEST_CASE("a recorded step is what one process makes of the whole batch", "[nccl]") {
  struct Case {
    const char* model;
    TrainerOptions options;
    double of_one, of_two;  // the largest difference of weights and all that goes with them
  };
  // What joins batch norm's parts rounds even where there is one. With bfloat16 a weight may be a
  // step away, which is 2^-8 for weights from 0.5 to 1.
  for (const Case& c : {Case{"simplenet", {.clip_grad = 0.5, .ema = 0.9}, 0, 1e-6},
                        Case{"simplenet_bn", {}, 1e-5, 1e-4},
                        Case{"simplenet", {.compute = DType::bfloat16}, 0, 1. / 256}}) {
    INFO(c.model);
    const Trained alone = train(nullptr, test_devices()[0], c.model, c.options);
    for (const int size : sizes()) {
      INFO(size << " processes");
      const auto all = of_processes<Trained>(
          size, [&](auto& group, Device gpu) { return train(group, gpu, c.model, c.options); });
      for (auto& one : all) {
        CHECK(one.score.count == scenes().size());
        CHECK(largest_difference(one.state, alone.state) <= (size == 1 ? c.of_one : c.of_two));
        CHECK(largest_difference(one.state, all[0].state) == 0);
      }
    }
  }
}

TEST_CASE("processes that MPI does not know meet where torchrun says", "[nccl]") {
  const Device gpu = test_devices()[0];
  const auto announced = join_group({.size = 1, .variables = "RANK and WORLD_SIZE"});
  CHECK_THROWS_WITH(group_on({}, announced), Contains("start them by mpirun -n 1"));
  CHECK_THROWS_WITH(group_on(gpu, announced), Contains("MASTER_ADDR and MASTER_PORT"));
  setenv("MASTER_ADDR", "127.0.0.1", 1);
  setenv("MASTER_PORT", "65535", 1);
  CHECK_THROWS_WITH(group_on(gpu, announced), Contains("not a number from 1 to 65534"));
  setenv("MASTER_PORT", "29511", 1);
  setenv("TORCHELASTIC_USE_AGENT_STORE", "True", 1);  // torchrun answers at that port itself
  const auto group = group_on(gpu, announced);
  CHECK(std::string(getenv("NCCL_COMM_ID")) == "127.0.0.1:29512");
  for (const char* name :
       {"MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_USE_AGENT_STORE", "NCCL_COMM_ID"})
    unsetenv(name);
  const Tensor t = Tensor::full({2}, 3, DType::float32, gpu);
  group->sum(t);
  CHECK(t.to_doubles() == std::vector<double>{3, 3});
  CHECK(group->engine().find("NCCL 2.") == 0);
}

TEST_CASE("what NCCL refuses is said", "[nccl]") {
  CHECK_THROWS_WITH(join_by_nccl(Launch{}, "too short", test_devices()[0]),
                    Contains("[nccl] what is given is no id of processes"));
  of_processes<int>(1, [](auto& group, Device gpu) {
    try {
      group->sum(Tensor::zeros({2}, DType::bfloat16, gpu));
    } catch (const Error& e) {
      if (std::string(e.what()) == "[nccl] a tensor of bfloat16") return 0;
    }
    throw Error("a sum of bfloat16 was not refused");
  });
}
