#include "data/feed.h"

#include <chrono>
#include <cstring>

namespace tweed {
namespace {

bool fits(const Dataset& data, Device device) {
  return data.in_memory() && device.is_cuda() &&
         2 * std::size_t(data.bytes()) < free_device_bytes(device);
}

Tensor table_on(Device device, const Normalization& by) {
  std::vector<float> values;
  for (auto& channel : table_of(by)) values.insert(values.end(), channel.begin(), channel.end());
  return Tensor::from(values, {3, 256}, device);
}

std::vector<int32_t> words_of(const std::vector<View>& views) {
  std::vector<int32_t> words(views.size() * std::size_t(view_words));
  std::memcpy(words.data(), views.data(), views.size() * sizeof(View));
  return words;
}

std::vector<uint8_t> bytes_of(const std::vector<Curve>& curves) {
  const uint8_t* first = curves.empty() ? nullptr : curves[0][0].data();
  return {first, first + curves.size() * sizeof(Curve)};
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <class T>
Span<const T> read_or_none(const Tensor& t) {
  return t.defined() ? t.read<T>() : Span<const T>();
}
template <class T>
Span<T> write_or_none(const Tensor& t) {
  return t.defined() ? t.write<T>() : Span<T>();
}

}  // namespace

Viewer::Viewer(Device device, int side, int size, const Normalization& normalization)
    : device_(device),
      side_(side),
      size_(size),
      scale_(scale_of(normalization)),
      table_(table_on(device, normalization)) {}

Tensor Viewer::middles(const Batch& batch, bool mirrored, const ImageForm& form) const {
  std::vector<View> views = batch.views;
  for (std::size_t i = 0; mirrored && i < views.size(); ++i) {
    views[i] = middle_view(side_, size_, true);
    views[i].image = int32_t(i);
  }
  const Tensor pixels = Tensor::from(batch.pixels, {batch.count, side_, side_, 3}, device_);
  const Tensor plan = Tensor::from(words_of(views), {batch.count, view_words}, device_);
  const Tensor labels = Tensor::empty({batch.count}, DType::int32, device_);
  const Tensor images =
      PackedImages::empty({batch.count, size_, size_, 3}, form.packing, form.dtype, device_);
  show(1, pixels, plan, {}, images, labels, {}, {});
  return images;
}

void Viewer::show(int64_t views, const Tensor& pixels, const Tensor& plan, const Tensor& curves,
                  const Tensor& images, const Tensor& labels, const Tensor& other_labels,
                  const Tensor& label_shares) const {
  const auto packed = PackedImages::of(images);
  const Packing packing = packed ? packed->packing : plain_pixels(3);
  on(device_, [&](auto& here) {
    auto fill = [&]<class T>(Span<T> to) {
      augment(here, {side_, size_, views, scale_, packing}, pixels.read<uint8_t>(),
              plan.read<int32_t>(), read_or_none<uint8_t>(curves), table_.read<float>(), to,
              labels.write<int32_t>(), write_or_none<int32_t>(other_labels),
              write_or_none<float>(label_shares));
    };
    if (images.dtype() == DType::bfloat16)
      fill(images.write<bf16>());
    else
      fill(images.write<float>());
  });
}

Feed::Feed(const Dataset& data, Device device, const LoaderOptions& options, Residence residence,
           const ImageForm& form)
    : data_(data),
      options_(options),
      device_(device),
      resident_(residence == Residence::device ||
                (residence == Residence::automatic && fits(data, device))),
      views_(options.augmentation.views()),
      viewer_(device, data.image_side(), options.image_size, options.normalization) {
  if (resident_ && !data.in_memory())
    throw Error("[feed] the images are decoded on the fly, so they cannot stay on the device");
  const int64_t size = options.image_size, side = data.image_side(),
                batch = options.share.images(options.batch_size);
  MemoryLabel label("images");
  images_ = PackedImages::empty({batch, size, size, 3}, form.packing, form.dtype, device);
  labels_ = Tensor::empty({batch}, DType::int32, device);
  if (views_ > 1) other_labels_ = Tensor::empty_like(labels_);
  if (views_ > 1) label_shares_ = Tensor::empty({batch}, DType::float32, device);
  plan_ = Tensor::empty({batch * views_, view_words}, DType::int32, device);
  if (has_curves(options)) curves_ = Tensor::empty({batch * views_, 3, 256}, DType::uint8, device);
  if (resident_) {
    pixels_ = Tensor::empty({data.size(), side, side, 3}, DType::uint8, device);
    copy_bytes(device, pixels_.write<uint8_t>().data(), {}, data.pixels().data(), pixels_.bytes());
    return;
  }
  options_.stored = true;
  pixels_ = Tensor::empty({batch * views_, side, side, 3}, DType::uint8, device);
  sent_pixels_ = Tensor::empty_like(pixels_);
  sent_plan_ = Tensor::empty_like(plan_);
  if (curves_.defined()) sent_curves_ = Tensor::empty_like(curves_);
  queue_ = std::make_unique<CopyQueue>(
      device, sent_pixels_.bytes() + sent_plan_.bytes() +
                  (curves_.defined() ? sent_curves_.bytes() : std::size_t(0)));
  queue_->wait_for_device();  // which may still work with the memory that these were given
}

void Feed::start_epoch(int64_t epoch, int64_t first_batch) {
  options_.epoch = epoch;
  options_.first_batch = first_batch;
  waited_ = 0;
  if (resident_) {
    order_ = shuffled_order(data_.size(), options_.seed, epoch);
    next_batch_ = first_batch;
  } else {
    loader_ = std::make_unique<Loader>(data_, options_);
  }
}

bool Feed::next() {
  const double started = now();
  const bool there = resident_ ? next_resident() : next_streamed();
  waited_ += now() - started;
  return there;
}

bool Feed::next_resident() {
  const int64_t first = next_batch_ * options_.batch_size;
  if (first + options_.batch_size > data_.size()) return false;
  const int64_t batch = options_.batch_size;
  const auto rows = std::size_t(options_.share.images(batch) * views_), step = std::size_t(views_);
  std::vector<View> views(rows);
  std::vector<Curve> curves(curves_.defined() ? rows : 0);
  auto stored = [&](int64_t sample) { return data_.stored(sample); };
  for (std::size_t i = 0; i < rows; i += step) {
    const int64_t place = options_.share.place(batch, int64_t(i / step));
    choose_views(data_, options_, order_[std::size_t(first + place)], stored, &views[i],
                 curves.empty() ? nullptr : &curves[i]);
  }
  plan_.copy_from(Tensor::from(words_of(views), plan_.shape()));
  if (curves_.defined()) curves_.copy_from(Tensor::from(bytes_of(curves), curves_.shape()));
  ++next_batch_;
  return true;
}

// The device's own copy of a batch is what load() reads, so that the next can arrive meanwhile. The
// second stream waits for that copy to be made, but for no step: whole batches are page-locked, so
// nothing here waits for the device, and it has its next step before it is done with this one.
bool Feed::next_streamed() {
  if (!loader_->next(batch_)) return false;
  queue_->upload(sent_pixels_, batch_.pixels);
  queue_->upload(sent_plan_, words_of(batch_.views));
  if (curves_.defined()) queue_->upload(sent_curves_, bytes_of(batch_.curves));
  queue_->hold_device();
  pixels_.copy_from(sent_pixels_);
  plan_.copy_from(sent_plan_);
  if (curves_.defined()) curves_.copy_from(sent_curves_);
  queue_->wait_for_device();
  return true;
}

void Feed::load() {
  viewer_.show(views_, pixels_, plan_, curves_, images_, labels_, other_labels_, label_shares_);
}

}  // namespace tweed
