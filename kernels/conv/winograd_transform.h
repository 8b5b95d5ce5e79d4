// The transforms of Winograd's convolution of 3x3 windows on `cpu`, vectorised over channels.
//
// With F(m x m, 3 x 3) a tile of m x m results comes from n x n pixels, n = m + 2. Written for one
// axis, where d are n pixels, g three taps, and o multiplies number by number:
//
//     y = A^T [(G g) o (B^T d)]        along both axes: y = A^T [(G g G^T) o (B^T d B)] A
//
// In a convolution the products are summed over channels before A^T takes them. The three passes
// need five maps of small squares:
//
//     input     n x n pixels   to n x n numbers     B^T d B
//     filter    3 x 3 taps     to n x n numbers     G g G^T
//     output    n x n sums     to m x m results     A^T s A
//     spread    m x m of dy    to n x n numbers     A dy A^T      the transpose of `output`
//     collect   n x n sums     to 3 x 3 of dweight  G^T s G       the transpose of `filter`
//
// The matrices follow from n - 1 points, of which the products' polynomials are known, and
// infinity: Cook and Toom's way. Sources: Winograd 1980, Arithmetic complexity of computations;
// Lavin, Gray 2015, arXiv:1509.09308.
#pragma once
#include <cstdint>

namespace tweed {

/// The transforms of one tile size as one instruction set computes them. A square of numbers is an
/// array of rows of channels: `apart` elements from one of its numbers to the next, first axis
/// slowest.
template <class T>
struct WinogradTransforms {
  int m;  ///< results along an axis
  int numbers() const { return (m + 2) * (m + 2); }

  /// @param pixels  n x n pointers to channels
  void (*input)(const T* const* pixels, int64_t channels, T* to, int64_t apart);
  /// @param bias     as many as channels, or null;   @param results  m x m pointers to channels
  void (*output)(const T* from, int64_t apart, int64_t channels, const T* bias, bool relu,
                 T* const* results);
  /// @param results  m x m pointers to channels of dy
  void (*spread)(const T* const* results, int64_t channels, T* to, int64_t apart);
  /// @param taps  3 x 3 rows, `row` elements apart
  void (*filter)(const T* taps, int64_t row, int64_t channels, T* to, int64_t apart);
  void (*collect)(const T* from, int64_t apart, int64_t channels, T* taps, int64_t row);
};

/// Those of simd_level() for m = 2 or 4; T is float or double.
template <class T>
const WinogradTransforms<T>& winograd_transforms(int m);

}  // namespace tweed
