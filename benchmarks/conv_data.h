// A convolution to time: its shape, the numbers to compute on, and what must come out.
#pragma once
#include <array>
#include <vector>

#include "kernels/conv/direct.h"
#include "tensor/tensor.h"

namespace tweed::bench {

enum class Pass { forward, weight, input };
inline constexpr std::array passes{Pass::forward, Pass::weight, Pass::input};
/// "forward", "weight" or "input".
const char* name_of(Pass pass);

/// One convolution, without bias.
struct Problem {
  AnyConv conv;
  DType dtype = DType::float32;
  Device device;
  int64_t checked_images = 1;  ///< of the batch, on which results are compared with float64
  int sets = 1;                ///< of operands, which passes that follow each other take in turn
};

/// How many sets of operands are more than a GPU's L2 cache holds, so that a pass finds nothing
/// there that an earlier one has read; at most most_sets. On `cpu` one; a few where a GPU is only
/// played.
int sets_for(const AnyConv& conv, DType dtype, Device device);
inline constexpr int most_sets = 1000;

/// The first images of a problem; also the whole of it.
struct ConvInputs {
  AnyConv conv;
  Tensor x, weight, dz;  ///< (N, H, W, Ci), (Co, KH, KW, Ci / groups), (N, OH, OW, Co)
};

/// Random numbers of the problem's type on its device, and results in float64.
struct ConvData {
  explicit ConvData(const Problem& problem);

  Problem problem;
  ConvInputs all, checked;
  std::vector<ConvInputs> sets;  ///< of the same numbers; the first is `all`
  /// Of `checked`, by im2col on `cpu`, in the order of `passes`.
  std::array<Tensor, 3> expected;

  /// The largest difference of `result` from what is expected of a pass on `checked`, in units of
  /// the largest magnitude; NaN if there is one in it.
  double error(Pass pass, const Tensor& result) const;
};

}  // namespace tweed::bench
