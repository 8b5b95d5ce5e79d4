#include "data/feed.h"

#include "kernels/augment.h"

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

void add_view(std::vector<int32_t>& plan, int64_t image, const View& view, int label) {
  plan.insert(plan.end(), {int32_t(image), view.top, view.left, view.mirrored, int32_t(label)});
}

}  // namespace

Feed::Feed(const Dataset& data, Device device, const LoaderOptions& options, Residence residence)
    : data_(data),
      options_(options),
      device_(device),
      resident_(residence == Residence::device ||
                (residence == Residence::automatic && fits(data, device))) {
  if (resident_ && !data.in_memory())
    throw Error("[feed] the images are decoded on the fly, so they cannot stay on the device");
  const int64_t size = options.image_size, side = data.image_side(), batch = options.batch_size;
  MemoryLabel label("images");
  images_ = Tensor::empty({batch, size, size, 3}, DType::float32, device);
  labels_ = Tensor::empty({batch}, DType::int32, device);
  table_ = table_on(device, options.normalization);
  plan_ = Tensor::empty({batch, planned_numbers}, DType::int32, device);
  if (resident_) {
    pixels_ = Tensor::from(data.pixels(), {data.size(), side, side, 3}, device);
    return;
  }
  options_.stored = true;
  pixels_ = Tensor::empty({batch, side, side, 3}, DType::uint8, device);
  sent_pixels_ = Tensor::empty_like(pixels_);
  sent_plan_ = Tensor::empty_like(plan_);
  queue_ = std::make_unique<CopyQueue>(device, sent_pixels_.bytes() + sent_plan_.bytes());
  queue_->wait_for_device();  // which may still work with the memory that these were given
}

void Feed::start_epoch(int64_t epoch, int64_t first_batch) {
  options_.epoch = epoch;
  options_.first_batch = first_batch;
  if (resident_) {
    order_ = shuffled_order(data_.size(), options_.seed, epoch);
    next_batch_ = first_batch;
  } else {
    loader_ = std::make_unique<Loader>(data_, options_);
  }
}

bool Feed::next() { return resident_ ? next_resident() : next_streamed(); }

bool Feed::next_resident() {
  const int64_t first = next_batch_ * options_.batch_size;
  if (first + options_.batch_size > data_.size()) return false;
  std::vector<int32_t> plan;
  for (int64_t i = 0; i < options_.batch_size; ++i) {
    const int64_t index = order_[std::size_t(first + i)];
    add_view(plan, index,
             choose_view(data_.image_side(), options_.image_size, options_.augmentation,
                         augmentation_random(options_.seed, options_.epoch, index)),
             data_.label(index));
  }
  plan_.copy_from(Tensor::from(plan, plan_.shape()));
  ++next_batch_;
  return true;
}

// The device's own copy of a batch is what load() reads, so that the next can arrive meanwhile. The
// second stream waits for that copy to be made, but for no step: whole batches are page-locked, so
// nothing here waits for the device, and it has its next step before it is done with this one.
bool Feed::next_streamed() {
  if (!loader_->next(batch_)) return false;
  std::vector<int32_t> plan;
  for (int64_t i = 0; i < batch_.count; ++i)
    add_view(plan, i, batch_.views[std::size_t(i)], batch_.labels[std::size_t(i)]);
  queue_->upload(sent_pixels_, batch_.pixels);
  queue_->upload(sent_plan_, plan);
  queue_->hold_device();
  pixels_.copy_from(sent_pixels_);
  plan_.copy_from(sent_plan_);
  queue_->wait_for_device();
  return true;
}

void Feed::load() {
  on(device_, [&](auto& here) {
    augment(here, data_.image_side(), options_.image_size, pixels_.read<uint8_t>(),
            plan_.read<int32_t>(), table_.read<float>(), images_.write<float>(),
            labels_.write<int32_t>());
  });
}

}  // namespace tweed
