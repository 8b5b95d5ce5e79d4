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

}  // namespace

Feed::Feed(const Dataset& data, Device device, const LoaderOptions& options, Residence residence)
    : data_(data), options_(options), device_(device) {
  const int64_t size = options.image_size;
  images_ = Tensor::empty({options.batch_size, size, size, 3}, DType::float32, device);
  labels_ = Tensor::empty({options.batch_size}, DType::int32, device);
  if (residence == Residence::device || (residence == Residence::automatic && fits(data, device))) {
    if (!data.in_memory())
      throw Error("[feed] the images are decoded on the fly, so they cannot stay on the device");
    MemoryLabel label("images");
    const int64_t side = data.image_side();
    pixels_ = Tensor::from(data.pixels(), {data.size(), side, side, 3}, device);
    table_ = table_on(device, options.normalization);
    plan_ = Tensor::empty({options.batch_size, planned_numbers}, DType::int32, device);
    return;
  }
  queue_ = std::make_unique<CopyQueue>(device);
  sent_images_ = Tensor::empty_like(images_);
  sent_labels_ = Tensor::empty_like(labels_);
}

void Feed::start_epoch(int64_t epoch, int64_t first_batch) {
  options_.epoch = epoch;
  options_.first_batch = first_batch;
  if (resident()) {
    order_ = shuffled_order(data_.size(), options_.seed, epoch);
    next_batch_ = first_batch;
    return;
  }
  loader_ = std::make_unique<Loader>(data_, options_);
  send_ahead();
}

bool Feed::next() { return resident() ? next_planned() : next_streamed(); }

bool Feed::next_planned() {
  const int64_t first = next_batch_ * options_.batch_size;
  if (first + options_.batch_size > data_.size()) return false;
  std::vector<int32_t> plan;
  for (int64_t i = 0; i < options_.batch_size; ++i) {
    const int64_t index = order_[std::size_t(first + i)];
    const View view = choose_view(data_.image_side(), options_.image_size, options_.augmentation,
                                  augmentation_random(options_.seed, options_.epoch, index));
    plan.insert(plan.end(),
                {int32_t(index), view.top, view.left, view.mirrored, int32_t(data_.label(index))});
  }
  plan_.copy_from(Tensor::from(plan, plan_.shape()));
  ++next_batch_;
  return true;
}

// The batch that was sent is put in its place, and the next one is sent meanwhile. The device holds
// its own copy of a batch, so that the next can arrive while it is in use.
bool Feed::next_streamed() {
  if (!sent_) return false;
  queue_->hold_device();
  images_.copy_from(sent_images_);
  labels_.copy_from(sent_labels_);
  send_ahead();
  return true;
}

void Feed::send_ahead() {
  sent_ = loader_->next(batch_);
  if (!sent_) return;
  queue_->wait_for_device();
  queue_->upload(sent_images_, batch_.images);
  queue_->upload(sent_labels_, batch_.labels);
}

void Feed::load() {
  if (!resident()) return;
  on(device_, [&](auto& here) {
    augment(here, data_.image_side(), options_.image_size, pixels_.read<uint8_t>(),
            plan_.read<int32_t>(), table_.read<float>(), images_.write<float>(),
            labels_.write<int32_t>());
  });
}

}  // namespace tweed
