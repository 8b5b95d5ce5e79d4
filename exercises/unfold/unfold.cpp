// A convolution's windows, out of the image and back.
#include "unfold.h"

#include "exercises/sheet.h"

namespace tweed::exercise {

std::vector<float> unfold(const std::vector<float>& x, int height, int width, int channels,
                          int kernel, int stride, int padding) {
  // WRITE: for each window, the pixels that are in it; 0 beyond the image.
  blank("unfold(), in unfold.cpp");
}

std::vector<float> fold(const std::vector<float>& columns, int height, int width, int channels,
                        int kernel, int stride, int padding) {
  // WRITE: the same loops, the other way.
  blank("fold(), in unfold.cpp");
}

}  // namespace tweed::exercise
