// Does not compile: there are no tensors of int64_t. The test looks for the reason in the
// compiler's words.
#include "tensor/tensor.h"

tweed::Tensor of_longs() { return tweed::Tensor::from<int64_t>({1, 2}, {2}); }
