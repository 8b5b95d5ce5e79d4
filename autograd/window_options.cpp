#include "autograd/window_options.h"

#include <algorithm>

#include "autograd/graph.h"
#include "kernels/window.h"

namespace tweed {

std::string Pair::str() const {
  const std::string rows = std::to_string(h);
  return h == w ? rows : rows + " x " + std::to_string(w);
}

std::string Padding::str() const {
  if (top == bottom && left == right) return Pair(top, left).str();
  return std::to_string(top) + ", " + std::to_string(left) + ", " + std::to_string(bottom) + ", " +
         std::to_string(right);
}

namespace {

// `after` as `before` where that makes no other windows: so they may be square.
WindowAxis usual(WindowAxis axis, int64_t size) {
  if (axis.kernel == 1) axis.dilation = 1;
  WindowAxis even = axis;
  even.after = axis.before;
  return even.fits(size) && even.out(size) == axis.out(size) ? even : axis;
}

}  // namespace

AnyWindow make_window(const char* op, const Shape& image, Pair kernel, Pair stride,
                      const Padding& padding, Pair dilation) {
  if (image.ndim() != 4) fail(op, "images are (N, H, W, C), not ", image);
  const auto& [top, left, bottom, right] = padding;
  if (std::min({kernel.h, kernel.w, stride.h, stride.w, dilation.h, dilation.w}) < 1 ||
      std::min({top, left, bottom, right}) < 0)
    fail(op, "kernel ", kernel.str(), ", stride ", stride.str(), ", padding ", padding.str(),
         ", dilation ", dilation.str());
  const WindowAxis rows{kernel.h, stride.h, top, bottom, dilation.h};
  const WindowAxis columns{kernel.w, stride.w, left, right, dilation.w};
  if (!rows.fits(image[1]) || !columns.fits(image[2]))
    fail(op, "a kernel of ", kernel.str(), dilation == 1 ? "" : ", dilated by " + dilation.str(),
         ", on ", image, " with padding ", padding.str());
  return {image[0], image[1], image[2], image[3], usual(rows, image[1]), usual(columns, image[2])};
}

}  // namespace tweed
