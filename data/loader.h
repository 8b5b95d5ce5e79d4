// Batches for training and evaluation, prepared ahead by threads.
//
//   Loader loader(data.train, {.batch_size = 64, .training = true, .seed = 1, .epoch = 3});
//   for (Batch batch; loader.next(batch);) step(batch);
//
// One Loader is one pass over the data. The batches depend on the data and on the options other
// than `workers`, never on timing. A Loader belongs to one thread and must not outlive its
// Dataset's pixels (it holds a share of them); destroying it early stops its threads.
#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "data/augment.h"
#include "data/dataset.h"

namespace tweed {

/// Which images of each training batch are wanted, where several processes share it: of each of
/// `parts` equal parts of a batch of N images, those from N / parts * rank / size on, up to the
/// next rank's.
struct BatchShare {
  int rank = 0, size = 1, parts = 1;
  int64_t first(int64_t batch) const { return batch / parts * rank / size; }  ///< of a part
  int64_t last(int64_t batch) const { return batch / parts * (rank + 1) / size; }
  int64_t images(int64_t batch) const { return parts * (last(batch) - first(batch)); }
  /// Where image i of the share stands in the batch.
  int64_t place(int64_t batch, int64_t i) const {
    const int64_t own = last(batch) - first(batch);
    return size == 1 ? i : i / own * (batch / parts) + first(batch) + i % own;
  }
};

struct LoaderOptions {
  int64_t batch_size = 64;
  int image_size = 128;
  bool training = true;     ///< shuffled and augmented, last partial batch dropped
  int workers = 2;          ///< threads, as many as the system starts; 0: the caller's own
  uint64_t seed = 0;        ///< of order and augmentation
  int64_t epoch = 0;        ///< of order and augmentation
  int64_t first_batch = 0;  ///< batches passed over at the start, to go on within an epoch
  int64_t end_batch = std::numeric_limits<int64_t>::max();  ///< none from this one on
  BatchShare share;                                         ///< in training: see there
  Normalization normalization;
  Augmentation augmentation;  ///< in training
  bool stored = false;        ///< pixels and views instead of what the network sees
};

struct Batch {
  int64_t count = 0;
  /// (count, size, size, 3), normalised, without partners; empty if `stored`.
  std::vector<float> images;
  // If `stored`, of each sample one row, or two where images are mixed:
  std::vector<uint8_t> pixels;   ///< (rows, side, side, 3) of whole images,
  std::vector<View> views;       ///< (rows), what the network sees of each,
  std::vector<Curve> curves;     ///< (rows), or empty if there are none
  std::vector<int32_t> labels;   ///< (count)
  std::vector<int64_t> indexes;  ///< (count), positions in the Dataset
};

/// Draws what the network sees of a training sample: a view, and one of its partner if images are
/// mixed. The views' `image` is the sample's index in the data set.
/// @param shown   called with each sample in turn, gives its stored pixels
/// @param curves  as many as views, or null if no view has one
void choose_views(const Dataset& data, const LoaderOptions& options, int64_t sample,
                  const std::function<const uint8_t*(int64_t sample)>& shown, View* views,
                  Curve* curves);
/// Whether views may have curves.
inline bool has_curves(const LoaderOptions& options) {
  return options.training && options.augmentation.randaugment > 0;
}

/// The order of a training epoch: 0 ... size-1 shuffled by (seed, epoch) alone.
std::vector<int64_t> shuffled_order(int64_t size, uint64_t seed, int64_t epoch);

class Loader {
 public:
  /// @throws ShapeError  if batch_size is below 1 or image_size does not fit the stored images
  Loader(const Dataset& data, const LoaderOptions& options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// Batches of a whole pass, passed over or not.
  int64_t batches() const;
  /// Fills `batch`, reusing its memory, and returns true; false at the end.
  /// @throws  what went wrong in a worker, when its batch is due
  bool next(Batch& batch);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tweed
