// Modules: names, modes, hooks; checkpoints of them; the optimizer's buffer.

#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/reduce.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "nn/models/models.h"
#include "optim/sgd.h"
#include "record/checkpoint.h"
#include "tests/catch.h"
#include "tests/support.h"
#include "tests/temporary_folder.h"

using namespace tweed;

TEST_CASE("A network's tensors have PyTorch's names") {
  std::vector<std::string> names;
  for (auto& [name, t] : simplenet_bn({.classes = 10})->state()) names.push_back(name);
  CHECK(names[0] == "conv1.weight");
  CHECK(names[1] == "bn1.weight");
  CHECK(names[3] == "bn1.running_mean");
  CHECK(names[5] == "bn1.num_batches_tracked");
  CHECK(names.back() == "fc.bias");
}

TEST_CASE("Initial weights depend on the seed and the layer") {
  auto first = [](uint64_t seed) { return simplenet({.classes = 10, .seed = seed})->parameters(); };
  CHECK(same_bits(first(1)[0].tensor, first(1)[0].tensor));
  CHECK(!same_bits(first(1)[0].tensor, first(2)[0].tensor));
  auto p = first(1);
  CHECK(p[2].tensor.to_doubles()[0] != p[4].tensor.to_doubles()[0]);
  double bound = 1 / std::sqrt(3.0 * 49);
  for (double v : p[0].tensor.to_doubles()) CHECK(std::abs(v) <= bound);
}

TEST_CASE("Train and eval mode reach every child") {
  auto network = simplenet_bn({.classes = 3});
  Tensor x = random_tensor({2, 32, 32, 3});
  network->eval();
  NoGrad no_grad;
  CHECK(same_bits((*network)(x), (*network)(x)));
  network->train();
  network->set_random_step({0, 1});
  Tensor one = (*network)(x);
  network->set_random_step({0, 2});
  CHECK(!same_bits(one, (*network)(x)));  // other channels dropped
  CHECK(network->find("bn1").training());
  network->eval();
  CHECK(!network->find("bn1").training());
  CHECK_THROWS_WITH(network->find("bn9"), Contains("no module 'bn9'"));
}

TEST_CASE("Hooks see and replace inputs") {
  auto network = simplenet({.classes = 3});
  const Tensor x = random_tensor({1, 32, 32, 3});
  Shape seen;
  Module& conv3 = network->find("conv3");
  const int looking = conv3.on_input([&](const Tensor& t) { return seen = t.shape(), Tensor(); });
  const int changing = conv3.on_input([](const Tensor& t) { return t * 2.0; });
  NoGrad no_grad;
  const Tensor changed = (*network)(x);
  CHECK(seen == Shape{1, 8, 8, 64});
  conv3.remove_hook(looking);
  conv3.remove_hook(changing);
  seen = {};
  CHECK_FALSE(same_bits((*network)(x), changed));
  CHECK(seen == Shape{});
}

TEST_CASE("Hooks see and replace outputs and gradients by module name") {
  auto network = simplenet({.classes = 3});
  Tensor x = random_tensor({1, 32, 32, 3});
  Shape output, gradient;
  network->find("conv3").on_output([&](const Tensor& y) {
    output = y.shape();
    return Tensor();
  });
  network->find("conv3").on_output_gradient([&](const Tensor& g) {
    gradient = g.shape();
    return Tensor::zeros_like(g);
  });
  backward(cross_entropy((*network)(x), Tensor::from<int32_t>({1}, {1})));
  CHECK(output == Shape{1, 8, 8, 64});
  CHECK(gradient == output);
  auto parameters = network->parameters();
  for (double v : grad(parameters[0].tensor).to_doubles()) CHECK(v == 0);  // conv1, behind the hook
  network->clear_hooks();
  network->find("fc").on_output([](const Tensor& y) { return y * 0.0; });
  NoGrad no_grad;
  for (double v : (*network)(x).to_doubles()) CHECK(v == 0);
}

TEST_CASE("A checkpoint brings back the network, with its axes turned for PyTorch") {
  TemporaryFolder folder;
  std::string path = folder.path() + "/a.safetensors";
  auto network = simplenet_bn({.classes = 4, .seed = 9});
  CheckpointInfo info{"simplenet_bn",
                      {"a", "b", "c/d", "e"},
                      64,
                      72,
                      {0.5f, 0.5f, 0.5f},
                      {0.25f, 0.25f, 0.25f},
                      7,
                      61.5,
                      93.25};
  save_checkpoint(path, *network, info);
  CHECK(read_safetensors(path).tensors.at("conv1.weight").shape() == Shape{64, 3, 7, 7});
  Checkpoint back = load_checkpoint(path);
  CHECK(back.info.classes == info.classes);
  CHECK(back.info.epoch == 7);
  CHECK(back.info.load_size == 72);
  CHECK(back.info.top1 == 61.5);
  CHECK(back.info.mean == info.mean);
  auto before = network->state(), after = back.network->state();
  for (std::size_t i = 0; i < before.size(); ++i)
    CHECK(same_bits(before[i].tensor, after[i].tensor));
  auto file = read_safetensors(path);
  file.tensors.erase("fc.bias");
  write_safetensors(path, file);
  CHECK_THROWS_WITH(load_checkpoint(path), Contains("no tensor 'fc.bias'"));
}

TEST_CASE("Parameters live in one buffer, and clipping bounds the norm of all gradients") {
  for (Device device : test_devices()) {
    const InitSeed seed(1);
    Linear layer(3, 2);
    layer.to(device);
    ParameterBuffer parameters(layer.parameters());
    Tensor loss = sum(layer(random_tensor({4, 3}, DType::float32, device)) * 10.0);
    parameters.zero_grad();
    backward(loss);
    double squares = 0;
    for (auto& [name, t] : layer.parameters())
      for (double g : grad(t).to_doubles()) squares += g * g;
    CHECK(parameters.grad_norm() == Approx(std::sqrt(squares)).epsilon(1e-5));
    CHECK(parameters.clip_grad_norm(0.5).item() == Approx(std::sqrt(squares)).epsilon(1e-5));
    CHECK(parameters.grad_norm() == Approx(0.5).epsilon(1e-4));
    SGD sgd(parameters, {.lr = 0.1, .momentum = 0.9, .weight_decay = 1e-4});
    Tensor second = sum(layer(random_tensor({4, 3}, DType::float32, device)));
    sgd.step();
    CHECK_THROWS_WITH(backward(second), Contains("changed in place"));
  }
}
