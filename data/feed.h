// Training batches on the device that computes.
#pragma once
#include <memory>
#include <optional>

#include "data/loader.h"
#include "tensor/copy_queue.h"
#include "tensor/tensor.h"

namespace tweed {

/// Where training images wait for their turn.
enum class Residence {
  automatic,  ///< `device` on a GPU, if they are decoded and fit twice into its free memory
  device,     ///< all decoded pixels on the device, where a kernel cuts and normalises batches
  host,       ///< a Loader decodes batches, each is sent while the one before is computed on
};

/// Gives a training loop its batches in two tensors that stay the same, so that the loop's work on
/// them can be recorded (see Replay). Bytes travel to the device, which cuts and normalises them.
/// The batches have the same bits for every residence and device.
///
///   Feed feed(data.train, device, options);
///   feed.start_epoch(0);
///   while (feed.next()) { feed.load(); step(feed.images(), feed.labels()); }
class Feed {
 public:
  /// @param options  of training batches; epoch and first_batch are start_epoch()'s
  /// @throws Error   if the images shall be on the device but are not decoded in memory
  Feed(const Dataset& data, Device device, const LoaderOptions& options,
       Residence residence = Residence::automatic);

  void start_epoch(int64_t epoch, int64_t first_batch = 0);
  /// Makes the next batch ready for load(); false at the end of the epoch. To be called once the
  /// step before has been launched: then a GPU computes that while the batch travels.
  /// @throws  what went wrong with the batch's images, such as FormatError
  bool next();
  /// Fills images() and labels(). May be recorded.
  void load();

  const Tensor& images() const { return images_; }  ///< (batch_size, size, size, 3), float32
  const Tensor& labels() const { return labels_; }  ///< (batch_size), int32
  bool resident() const { return resident_; }

 private:
  bool next_resident();
  bool next_streamed();

  const Dataset data_;
  LoaderOptions options_;
  Device device_;
  bool resident_;
  Tensor images_, labels_;

  // All pixels or those of the batch, and which views of them the batch consists of.
  Tensor pixels_, table_, plan_;

  // Resident: what comes next.
  std::vector<int64_t> order_;
  int64_t next_batch_ = 0;

  // Streamed: the batch on its way.
  std::unique_ptr<Loader> loader_;
  std::unique_ptr<CopyQueue> queue_;
  Batch batch_;
  Tensor sent_pixels_, sent_plan_;
};

}  // namespace tweed
