// What a convolution may leave for the batch norm that follows it.
#pragma once
#include <memory>

#include "tensor/tensor.h"

namespace tweed {

/// An annotation of a result (..., C): the mean of each channel and the sum of squared deviations
/// from it, in rows [0, slab_rows), [slab_rows, 2 slab_rows), ...
struct ChannelMoments : Attachment {
  Tensor moments;  ///< (slabs, 2, C), in x's accumulator dtype
  int64_t slab_rows = 0;
};

/// With room for those of y, whose accumulator dtype is float32.
inline std::shared_ptr<ChannelMoments> room_for_moments(const Tensor& y, int64_t slab_rows) {
  auto room = std::make_shared<ChannelMoments>();
  const int64_t C = y.dim(-1), slabs = ceil_div(C > 0 ? y.size() / C : 0, slab_rows);
  room->slab_rows = slab_rows;
  room->moments = Tensor::empty({slabs, 2, C}, DType::float32, y.device());
  return room;
}

}  // namespace tweed
