#include "autograd/conv/kept_filters.h"

#include "autograd/graph.h"

namespace tweed {

struct FiltersInAForm : Attachment {
  FiltersInAForm(const void* f, std::size_t size, uint32_t writes)
      : form(f), bytes(size), writes(writes), storage(Device(), size) {}
  const void* form;
  std::size_t bytes;
  uint32_t writes;  // of the weight, whose memory others may write to: a slice, an optimizer
  Storage storage;
};

namespace {

std::shared_ptr<FiltersInAForm> filters_of(const Tensor& weight) {
  return std::const_pointer_cast<FiltersInAForm>(
      std::dynamic_pointer_cast<const FiltersInAForm>(weight.annotation()));
}

}  // namespace

// In training, those of an evaluation between two steps are only in the way.
KeptFilters::KeptFilters(const Tensor& weight, Scratch& scratch)
    : weight_(weight), scratch_(scratch.allocate()) {
  if (grad_enabled())
    weight_.annotate(nullptr);
  else
    filters_ = filters_of(weight_);
}

KeepFilters KeptFilters::ask() {
  return [this](const void* form, std::size_t bytes) -> FilterMemory {
    if (grad_enabled()) return {scratch_(bytes), false};
    found_ = filters_ && filters_->form == form && filters_->bytes == bytes &&
             filters_->writes == weight_.writes();
    if (!found_) {
      const MemoryLabel label("filters as convolutions read them");
      filters_ = std::make_shared<FiltersInAForm>(form, bytes, weight_.writes());
    }
    return {filters_->storage.data(), found_};
  };
}

void KeptFilters::keep() {
  if (found_ || grad_enabled() || !filters_) return;
  weight_.annotate(filters_);
}

}  // namespace tweed
