#include "attacks/square_moves.h"

#include <algorithm>
#include <cmath>

#include "autograd/elementwise.h"
#include "autograd/functions.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"

namespace tweed {
namespace {

struct Window {
  int64_t top, left, side;
};

// A picture that all images share, made on the host.
struct Picture {
  explicit Picture(const Shape& images, int64_t channels)
      : height(images[1]),
        width(images[2]),
        channels(channels),
        values(std::size_t(height * width * channels), 0.f) {}
  float& at(int64_t y, int64_t x, int64_t c = 0) {
    return values[std::size_t((y * width + x) * channels + c)];
  }
  Tensor on(Device device) const {
    return Tensor::from(values, {1, height, width, channels}, device);
  }

  int64_t height, width, channels;
  std::vector<float> values;
};

Window random_window(const Shape& images, int64_t side, Random& random) {
  const int64_t top = random.below(uint32_t(images[1] - side + 1));
  const int64_t left = random.below(uint32_t(images[2] - side + 1));
  return {top, left, side};
}
int64_t side_of(const Shape& images, double share, int64_t least) {
  const auto wanted = int64_t(std::lround(std::sqrt(share * double(images[1] * images[2]))));
  return std::min(std::max(wanted, least), std::min(images[1], images[2]));
}

// (1, H, W, 3): 2 eps up or down in a square of each colour, 0 around it.
Tensor random_square(const Shape& images, double share, double radius, Random& random,
                     Device device) {
  const Window window = random_window(images, side_of(images, share, 1), random);
  float signs[3];
  for (float& s : signs) s = random.below(2) ? 1.f : -1.f;
  Picture picture(images, 3);
  for (int64_t y = window.top; y < window.top + window.side; ++y)
    for (int64_t x = window.left; x < window.left + window.side; ++x)
      for (int64_t c = 0; c < 3; ++c) picture.at(y, x, c) = float(2 * radius) * signs[c];
  return picture.on(device);
}

// The height of a pyramid of `rows` by `columns` there: steps of 1 / k^2, the last at the middle.
double height_at(int64_t row, int64_t column, int64_t rows, int64_t columns) {
  const int64_t from_middle = std::max(std::abs(row - rows / 2), std::abs(column - columns / 2));
  double height = 0;
  for (int64_t k = from_middle; k <= std::max(rows, columns) / 2; ++k)
    height += 1 / double((k + 1) * (k + 1));
  return height;
}

// (1, H, W, 1): in the window a pyramid up beside one down, of size 1 in all; above one another or
// side by side.
Tensor pyramids(const Shape& images, const Window& window, bool above, Device device) {
  const int64_t side = window.side, half = side / 2;
  std::vector<double> heights(std::size_t(side * side));
  double squares = 0;
  for (int64_t i = 0; i < side; ++i)
    for (int64_t j = 0; j < side; ++j) {
      const double height =
          i < half ? height_at(i, j, half, side) : -height_at(i - half, j, side - half, side);
      heights[std::size_t(i * side + j)] = height;
      squares += height * height;
    }
  Picture picture(images, 1);
  for (int64_t i = 0; i < side; ++i)
    for (int64_t j = 0; j < side; ++j)
      picture.at(window.top + (above ? i : j), window.left + (above ? j : i)) =
          float(heights[std::size_t(i * side + j)] / std::sqrt(squares));
  return picture.on(device);
}

// (1, H, W, 1): 1 in the windows.
Tensor mask_of_windows(const Shape& images, const std::vector<Window>& windows, Device device) {
  Picture picture(images, 1);
  for (const Window& w : windows)
    for (int64_t y = w.top; y < w.top + w.side; ++y)
      for (int64_t x = w.left; x < w.left + w.side; ++x) picture.at(y, x) = 1;
  return picture.on(device);
}

// (N, 1, 1, 3): the size of each colour.
Tensor size_of_colours(const Tensor& change) { return norm_l2(change, {1, 2}, true); }

// (N, 1, 1, 3): signs at random.
Tensor random_signs(const Tensor& images, Draws& draws) {
  return sign(
      draws.uniform(Tensor::empty({images.dim(0), 1, 1, 3}, DType::float32, images.device())));
}

Tensor grid_of_tiles(const PixelView& view, Draws& draws) {
  const Tensor& originals = view.originals();
  const Shape& shape = originals.shape();
  const int64_t side = std::max<int64_t>(1, std::min(shape[1], shape[2]) / 5);
  const int64_t down = shape[1] / side, across = shape[2] / side;
  const int64_t top = (shape[1] - down * side) / 2, left = (shape[2] - across * side) / 2;
  Random random = draws.host();
  Tensor change = originals * 0;
  for (int64_t i = 0; i < down; ++i)
    for (int64_t j = 0; j < across; ++j) {
      const Window tile{top + i * side, left + j * side, side};
      change = change + pyramids(shape, tile, random.below(2) == 0, view.device()) *
                            random_signs(originals, draws);
    }
  return view.valid(originals + divided(change, l2_of_each(change)) * view.space().radius);
}

Tensor moved_window(const PixelView& view, const Tensor& pixels, double share, Random& random,
                    Draws& draws) {
  const Tensor& originals = view.originals();
  const Shape& shape = originals.shape();
  // An odd side has a middle.
  const int64_t side = side_of(shape, share, 3), shorter = std::min(shape[1], shape[2]);
  const int64_t odd = std::min(side + 1 - side % 2, shorter);
  const Window into = random_window(shape, odd, random), from = random_window(shape, odd, random);
  const bool above = random.below(2) == 0;
  const Device device = view.device();
  const Tensor target = mask_of_windows(shape, {into}, device),
               both = mask_of_windows(shape, {into, from}, device);

  const double squared = view.space().radius * view.space().radius;
  const Tensor change = pixels - originals, used = l2_of_each(change);
  const Tensor unused = clamp(squared - used * used, 0, squared) / 3;
  const Tensor here = size_of_colours(change * both);
  const Tensor there = change * target;
  const Tensor way = pyramids(shape, into, above, device) * random_signs(originals, draws) +
                     divided(there, size_of_colours(there));
  const Tensor room = sqrt(here * here + unused);
  return view.inside(originals + change * no(both) + divided(way, size_of_colours(way)) * room);
}

}  // namespace

Tensor square_start(const PixelView& view, Draws& draws) {
  if (view.space().norm == Norm::l2) return grid_of_tiles(view, draws);
  const Tensor stripes = sign(draws.uniform(slice(view.originals(), 1, 0, 1)));  // (N, 1, W, 3)
  return view.inside(view.originals() + stripes * view.space().radius);
}

Tensor square_tried(const PixelView& view, const Tensor& pixels, double share, Random& random,
                    Draws& draws) {
  if (view.space().norm == Norm::l2) return moved_window(view, pixels, share, random, draws);
  const Tensor change =
      random_square(view.originals().shape(), share, view.space().radius, random, view.device());
  return view.inside(pixels + change);
}

}  // namespace tweed
