#include "train/features.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>

#include "autograd/loss.h"
#include "autograd/pool.h"
#include "autograd/reduce.h"
#include "nn/head.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "optim/schedule.h"
#include "optim/sgd.h"

namespace tweed {
namespace {

// Rows that come batch by batch.
struct Rows {
  std::vector<float> values;
  int64_t width = 0;
  void add(const Tensor& t) {
    const auto more = t.to(DType::float32).to_vector<float>();
    values.insert(values.end(), more.begin(), more.end());
    width = t.dim(1);
  }
  Tensor take() const {
    return Tensor::from(values, {width ? int64_t(values.size()) / width : 0, width});
  }
};

// The rows of a batch, copied together.
template <class T>
void gather(const Tensor& from, const std::vector<int64_t>& rows, const Tensor& to) {
  const int64_t width = from.size() / std::max<int64_t>(1, from.dim(0));
  const auto source = from.read<T>();
  const auto target = to.write<T>();
  for (std::size_t i = 0; i < rows.size(); ++i)
    std::memcpy(target.data() + int64_t(i) * width, source.data() + rows[i] * width,
                std::size_t(width) * sizeof(T));
  to.changed();
}

}  // namespace

Features features_on(Module& network, const Dataset& data, const EvaluateOptions& options) {
  Rows values, logits;
  std::vector<int32_t> labels;
  Module& head = network.find(head_name(network));
  Tensor seen;
  const ScopedHook hook(head, head.on_input([&](const Tensor& x) {
    seen = x;
    return Tensor();
  }));
  answer_each(network, data, options,
              [&](const Batch& batch, const Tensor& answers, const Tensor&) {
                values.add(seen.ndim() == 4 ? global_avg_pool(seen) : seen);
                logits.add(answers);
                labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
              });
  const auto count = int64_t(labels.size());
  return {values.take(), logits.take(), Tensor::from(labels, {count})};
}

Tensor unit_rows(const Tensor& values) {
  auto numbers = values.to_vector<float>();
  const auto width = std::size_t(values.dim(1));
  for (std::size_t row = 0; row + width <= numbers.size() && width > 0; row += width) {
    double sum = 0;
    for (std::size_t i = row; i < row + width; ++i) sum += double(numbers[i]) * numbers[i];
    const auto length = float(std::sqrt(sum));
    for (std::size_t i = row; i < row + width && length > 0; ++i) numbers[i] /= length;
  }
  return Tensor::from(numbers, values.shape());
}

ModulePtr train_linear(const Tensor& values, const Tensor& labels, int64_t classes,
                       const LinearTraining& o) {
  const int64_t count = values.dim(0), batch = std::min(o.batch_size, count);
  if (count < 1) throw Error("there are no images to learn from");
  const InitSeed seed(o.seed);
  auto layer = std::make_shared<Linear>(values.dim(1), classes);
  SGD sgd(*layer, SGD::Options{o.lr, 0.9, o.weight_decay, true});
  const int64_t steps = count / batch;
  const Schedule rate = cosine(o.lr, o.epochs * steps, 0);
  const Tensor x = Tensor::empty({batch, values.dim(1)}), y = Tensor::empty({batch}, DType::int32);
  Tensor loss;
  for (int64_t epoch = 0; epoch < o.epochs; ++epoch) {
    const auto order = shuffled_order(count, o.seed, epoch);
    for (int64_t step = 0; step < steps; ++step) {
      const auto first = order.begin() + step * batch;
      const std::vector<int64_t> rows(first, first + batch);
      gather<float>(values, rows, x);
      gather<int32_t>(labels, rows, y);
      loss = cross_entropy((*layer)(x), y);
      sgd.set_lr(rate(epoch * steps + step));
      sgd.zero_grad();
      backward(loss);
      sgd.step();
    }
  }
  if (!std::isfinite(loss.item()))
    throw Error("the loss is no longer finite; a smaller --lr helps");
  return layer;
}

ClassAccuracy class_accuracy(const Tensor& logits, const Tensor& labels) {
  const auto numbers = logits.to_vector<float>();
  const auto width = std::size_t(logits.dim(1));
  struct Count {
    double right = 0, all = 0;
  };
  std::map<int32_t, Count> counts;
  Count total;
  std::size_t row = 0;
  for (int32_t label : labels.to_vector<int32_t>()) {
    const auto begin = numbers.begin() + std::ptrdiff_t(row++ * width);
    const bool right = std::max_element(begin, begin + std::ptrdiff_t(width)) - begin == label;
    for (Count* c : {&counts[label], &total}) c->right += right, c->all += 1;
  }
  ClassAccuracy result;
  if (counts.empty()) return result;
  result.top1 = 100 * total.right / total.all;
  for (auto& [label, c] : counts)
    result.class_mean += 100 * c.right / c.all / double(counts.size());
  return result;
}

}  // namespace tweed
