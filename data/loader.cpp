#include "data/loader.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>

#include "data/workers.h"
#include "kernels/machine/error.h"

namespace tweed {

std::vector<int64_t> shuffled_order(int64_t size, uint64_t seed, int64_t epoch) {
  std::vector<int64_t> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), 0);
  Random random(seed, Purpose::shuffle, uint32_t(epoch));
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[random.below(uint32_t(i))]);
  return order;
}

void choose_views(const Dataset& data, const LoaderOptions& o, int64_t sample,
                  const std::function<const uint8_t*(int64_t)>& shown, View* views, Curve* curves) {
  auto draw = [&](int64_t index, int place) {
    Curve none;
    View view =
        choose_view(shown(index), data.image_side(), o.image_size, o.augmentation,
                    augmentation_random(o.seed, o.epoch, index), curves ? curves[place] : none);
    view.image = int32_t(index);
    view.label = data.label(index);
    return view;
  };
  views[0] = draw(sample, 0);
  if (!o.augmentation.mixes()) return;
  const Partner partner =
      choose_partner(data.size(), o.image_size, o.augmentation, o.seed, o.epoch, sample);
  views[1] = draw(partner.sample, 1);
  std::copy_n(partner.mix.mixed, 4, views[1].mixed);
  views[1].share = partner.mix.share;
  views[1].label_share = partner.mix.label_share;
}

// Workers take the numbers of batches in turn and keep at most `ahead` of them ready, in `ready`;
// the caller takes them from there in order.
struct Loader::State {
  struct Ready {
    Batch batch;
    std::exception_ptr error;
  };

  State(const Dataset& dataset, const LoaderOptions& o) : data(dataset), options(o) {
    if (o.batch_size < 1 || o.image_size < 1 || o.image_size > dataset.image_side() ||
        o.first_batch < 0)
      throw ShapeError("[loader] batch_size " + std::to_string(o.batch_size) + ", image_size " +
                       std::to_string(o.image_size) + ", first_batch " +
                       std::to_string(o.first_batch) + " with stored images of " +
                       std::to_string(dataset.image_side()));
    if (o.training) order = shuffled_order(data.size(), o.seed, o.epoch);
    batches = (data.size() + (o.training ? 0 : o.batch_size - 1)) / o.batch_size;
    end = std::min(o.end_batch, batches);
    next_made = next_taken = std::min(o.first_batch, end);
    ahead = 2 * o.workers;
    threads = start_threads(o.workers, [this] { work(); });
  }
  ~State() {
    {
      std::lock_guard lock(mutex);
      next_made = end;
      closed = true;
    }
    room.notify_all();
    for (auto& thread : threads) thread.join();
  }

  // Fills `batch` with the batch number `number`.
  void make(int64_t number, Batch& batch) const {
    int64_t first = number * options.batch_size, size = options.image_size;
    batch.count = options.training ? options.share.images(options.batch_size)
                                   : std::min(options.batch_size, data.size() - first);
    const std::size_t rows = std::size_t(batch.count) * std::size_t(views());
    if (options.stored) {
      batch.pixels.resize(rows * stored_bytes());
      batch.views.resize(rows);
      batch.curves.resize(has_curves(options) ? rows : 0);
    } else {
      batch.images.resize(std::size_t(batch.count * size * size * 3));
    }
    batch.labels.resize(std::size_t(batch.count));
    batch.indexes.resize(std::size_t(batch.count));
    for (int64_t i = 0; i < batch.count && !closed; ++i) {
      const int64_t index =
          options.training ? order[std::size_t(first + options.share.place(options.batch_size, i))]
                           : first + i;
      batch.indexes[std::size_t(i)] = index;
      batch.labels[std::size_t(i)] = data.label(index);
      if (options.stored)
        put_stored(index, std::size_t(i * views()), batch);
      else
        put(index, batch.images.data() + i * size * size * 3);
    }
  }

  int views() const { return options.training ? options.augmentation.views() : 1; }
  std::size_t stored_bytes() const {
    return std::size_t(data.image_side()) * std::size_t(data.image_side()) * 3;
  }
  // Writes an image as it is stored, and its partner, from a row of the batch on.
  void put_stored(int64_t index, std::size_t row, Batch& batch) const {
    uint8_t* to = batch.pixels.data() + row * stored_bytes();
    auto put_pixels = [&](int64_t sample) {
      const uint8_t* const here = to;
      if (const uint8_t* stored = data.stored(sample)) {
        std::copy_n(stored, stored_bytes(), to);
      } else {
        const Image image = data.image(sample);
        std::copy(image.pixels.begin(), image.pixels.end(), to);
      }
      to += stored_bytes();
      return here;
    };
    View* const view = &batch.views[row];
    if (options.training) {
      choose_views(data, options, index, put_pixels, view,
                   batch.curves.empty() ? nullptr : &batch.curves[row]);
    } else {
      put_pixels(index);
      *view = middle_view(data.image_side(), options.image_size);
      view->label = data.label(index);
    }
    for (int i = 0; i < views(); ++i) view[i].image = int32_t(row) + i;
  }

  // Writes what the network sees of an image.
  void put(int64_t index, float* to) const {
    const Image image = data.image(index);
    const int size = options.image_size;
    if (!options.training)
      return normalize(validation_crop(image, size), options.normalization, to);
    training_view(image, size, options.augmentation, options.normalization,
                  augmentation_random(options.seed, options.epoch, index), to);
  }

  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      room.wait(lock, [&] { return next_made >= end || next_made < next_taken + ahead; });
      if (next_made >= end) return;
      int64_t number = next_made++;
      Ready result;
      if (!spare.empty()) {
        result.batch = std::move(spare.back());
        spare.pop_back();
      }
      lock.unlock();
      try {
        make(number, result.batch);
      } catch (...) {
        result.error = std::current_exception();
      }
      lock.lock();
      ready[number] = std::move(result);
      arrived.notify_all();
    }
  }

  bool next(Batch& batch) {
    if (next_taken >= end) return false;
    if (threads.empty()) {
      make(next_taken++, batch);
      return true;
    }
    std::unique_lock lock(mutex);
    arrived.wait(lock, [&] { return ready.count(next_taken) > 0; });
    Ready result = std::move(ready.extract(next_taken++).mapped());
    std::swap(batch, result.batch);
    spare.push_back(std::move(result.batch));
    lock.unlock();
    room.notify_all();
    if (result.error) std::rethrow_exception(result.error);
    return true;
  }

  const Dataset data;
  const LoaderOptions options;
  std::vector<int64_t> order;
  int64_t batches = 0, end = 0, ahead = 0;

  std::mutex mutex;
  std::condition_variable room, arrived;
  int64_t next_made = 0, next_taken = 0;
  std::atomic<bool> closed{false};
  std::map<int64_t, Ready> ready;
  std::vector<Batch> spare;  // memory that the caller has given back
  std::vector<std::thread> threads;
};

Loader::Loader(const Dataset& data, const LoaderOptions& options)
    : state_(std::make_unique<State>(data, options)) {}
Loader::~Loader() = default;
int64_t Loader::batches() const { return state_->batches; }
bool Loader::next(Batch& batch) { return state_->next(batch); }

}  // namespace tweed
