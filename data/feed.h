// Training batches on the device that computes.
#pragma once
#include <memory>
#include <optional>

#include "data/loader.h"
#include "tensor/copy_queue.h"
#include "tensor/packed_images.h"

namespace tweed {

/// Where training images wait for their turn.
enum class Residence {
  automatic,  ///< `device` on a GPU, if they are decoded and fit twice into its free memory
  device,     ///< all decoded pixels on the device, where a kernel cuts and normalises batches
  host,       ///< a Loader decodes batches, each is sent while the one before is computed on
};

/// How images are made. A network says what it wants: see image_form().
struct ImageForm {
  DType dtype = DType::float32;
  Packing packing = plain_pixels(3);  ///< if not plain, images are PackedImages
};

/// What a network sees of the stored pixels of a batch, made on a device by augment().
class Viewer {
 public:
  /// @param side  of the stored images   @param size  of those that are made
  Viewer(Device device, int side, int size, const Normalization& normalization);
  /// The images of a validation batch, or their mirror images: (count, size, size, 3).
  Tensor middles(const Batch& batch, bool mirrored = false, const ImageForm& form = {}) const;
  /// @param views   of an image: 1 or 2   For the others see augment(); `labels` decides the count.
  /// @param images  may be PackedImages
  void show(int64_t views, const Tensor& pixels, const Tensor& plan, const Tensor& curves,
            const Tensor& images, const Tensor& labels, const Tensor& other_labels,
            const Tensor& label_shares) const;

 private:
  Device device_;
  int side_, size_;
  PixelScale scale_;
  Tensor table_;
};

/// Gives a training loop its batches in tensors that stay the same, so that the loop's work on them
/// can be recorded (see Replay). Bytes travel to the device, which cuts, turns, colours and
/// normalises them. The batches of a device have the same bits for every residence.
///
///   Feed feed(data.train, device, options);
///   feed.start_epoch(0);
///   while (feed.next()) { feed.load(); step(feed.images(), feed.labels()); }
class Feed {
 public:
  /// @param options  of training batches; epoch and first_batch are start_epoch()'s
  /// @param form     of images()
  /// @throws Error   if the images shall be on the device but are not decoded in memory
  Feed(const Dataset& data, Device device, const LoaderOptions& options,
       Residence residence = Residence::automatic, const ImageForm& form = {});

  void start_epoch(int64_t epoch, int64_t first_batch = 0);
  /// Makes the next batch ready for load(); false at the end of the epoch. To be called once the
  /// step before has been launched: then a GPU computes that while the batch travels.
  /// @throws  what went wrong with the batch's images, such as FormatError
  bool next();
  /// Fills images() and labels(). May be recorded.
  void load();

  /// (N, size, size, 3), or as PackedImages, of a whole batch or of the options' share of each.
  const Tensor& images() const { return images_; }
  const Tensor& labels() const { return labels_; }  ///< (N), int32
  /// Of the images that are mixed in, (N), int32, and how much of the label is theirs,
  /// float32; undefined where none are.
  const Tensor& other_labels() const { return other_labels_; }
  const Tensor& label_shares() const { return label_shares_; }
  bool resident() const { return resident_; }
  /// Seconds that next() took since start_epoch(): in which a CPU did nothing else.
  double waited() const { return waited_; }

 private:
  bool next_resident();
  bool next_streamed();

  const Dataset data_;
  LoaderOptions options_;
  Device device_;
  bool resident_;
  int64_t views_;  // of an image
  Viewer viewer_;
  Tensor images_, labels_, other_labels_, label_shares_;

  // All pixels or those of the batch, and which views of them the batch consists of.
  Tensor pixels_, plan_, curves_;
  double waited_ = 0;

  // Resident: what comes next.
  std::vector<int64_t> order_;
  int64_t next_batch_ = 0;

  // Streamed: the batch on its way.
  std::unique_ptr<Loader> loader_;
  std::unique_ptr<CopyQueue> queue_;
  Batch batch_;
  Tensor sent_pixels_, sent_plan_, sent_curves_;
};

}  // namespace tweed
