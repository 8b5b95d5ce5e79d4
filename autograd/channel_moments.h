// What a convolution may leave for the batch norm that follows it.
#pragma once
#include "tensor/tensor.h"

namespace tweed {

/// An annotation of a result (..., C): the mean of each channel and the sum of squared deviations
/// from it, in rows [0, slab_rows), [slab_rows, 2 slab_rows), ...
struct ChannelMoments : Attachment {
  Tensor moments;  ///< (slabs, 2, C), in x's accumulator dtype
  int64_t slab_rows = 0;
};

}  // namespace tweed
