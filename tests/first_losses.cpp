#include "tests/first_losses.h"

#include <cmath>

#include "autograd/loss.h"
#include "data/loader.h"
#include "nn/models/models.h"
#include "optim/schedule.h"
#include "optim/sgd.h"
#include "record/checkpoint.h"

namespace tweed {
namespace {

constexpr int size = 128;
constexpr int64_t batch_size = 64, epochs = 20, warmup_epochs = 2;
constexpr uint64_t seed = 0;

ModulePtr network(const Dataset& data) {
  return simplenet({.classes = int64_t(data.classes().size()), .seed = seed});
}

// Calls f(batch, epoch) for the first steps, over the ends of epochs.
template <class F>
void for_steps(const Dataset& data, int steps, F f) {
  for (int64_t epoch = 0; steps > 0; ++epoch) {
    Loader loader(data, {.batch_size = batch_size,
                         .image_size = size,
                         .training = true,
                         .seed = seed,
                         .epoch = epoch});
    for (Batch batch; steps > 0 && loader.next(batch); --steps) f(batch, epoch);
  }
}

}  // namespace

Dataset photos(const std::string& root) {
  return open_dataset(root, {.classes = "10", .limit = 200, .image_size = size}, Splits::train)
      .train;
}

std::vector<double> first_losses(const Dataset& data, int steps) {
  ModulePtr net = network(data);
  ParameterBuffer parameters(net->parameters());
  SGD sgd(parameters, {.lr = 0.05, .momentum = 0.9, .weight_decay = 1e-4});
  int64_t per_epoch = data.size() / batch_size;
  Schedule rate =
      warm_up(warmup_epochs * per_epoch, cosine(0.05, (epochs - warmup_epochs) * per_epoch, 1e-8));
  std::vector<double> losses;
  for_steps(data, steps, [&](const Batch& batch, int64_t) {
    Tensor x = Tensor::from(batch.images, {batch.count, size, size, 3});
    Tensor loss = cross_entropy((*net)(x), Tensor::from(batch.labels, {batch.count}));
    parameters.zero_grad();
    backward(loss);
    sgd.set_lr(rate(int64_t(losses.size())));
    sgd.step();
    losses.push_back(loss.item());
  });
  return losses;
}

SafeTensors first_weights(const Dataset& data) {
  SafeTensors file;
  for (auto& [name, t] : network(data)->state()) file.tensors[name] = to_file_axes(t);
  return file;
}

SafeTensors first_batches(const Dataset& data, int steps) {
  const Normalization as_pixels{{}, {1 / 255.f, 1 / 255.f, 1 / 255.f}};
  std::vector<float> view(std::size_t(size) * size * 3);
  std::vector<uint8_t> pixels;
  std::vector<int32_t> labels;
  for_steps(data, steps, [&](const Batch& batch, int64_t epoch) {
    for (int64_t i : batch.indexes) {
      training_view(data.image(i), size, {}, as_pixels, augmentation_random(seed, epoch, i),
                    view.data());
      for (float v : view) pixels.push_back(uint8_t(std::lround(v)));
    }
    labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
  });
  SafeTensors file;
  file.tensors["images"] = Tensor::from(pixels, {int64_t(labels.size()), size, size, 3});
  file.tensors["labels"] = Tensor::from(labels, {int64_t(labels.size())});
  return file;
}

}  // namespace tweed
