// A convolution as a product of matrices. Chapter 4 of docs/course.
#include <cstdio>

#include "tweed.h"
using namespace tweed;

int main() {
  // One image of 3 x 3 pixels with one channel, a filter of 2 x 2.
  const Tensor x = Tensor::from<float>({1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 3, 3, 1});
  const Tensor w = Tensor::from<float>({1, 0, 0, -1}, {1, 2, 2, 1});

  const Tensor columns = unfold(x, 2);
  std::printf("columns:\n %s\n", columns.str().c_str());

  const Tensor y = matmul(columns, w.reshape({1, 4}), {.transpose_b = true});
  std::printf("the product:\n %s\n", y.reshape({2, 2}).str().c_str());
  std::printf("conv2d:\n %s\n", conv2d(x, w).reshape({2, 2}).str().c_str());

  // Back: the columns' gradient is dy times the filters, and each number goes to its pixel.
  const Tensor dy = Tensor::full({4, 1}, 1);
  const Tensor dcolumns = matmul(dy, w.reshape({1, 4}));
  std::printf("image's gradient:\n %s\n",
              fold(dcolumns, x.shape(), 2).reshape({3, 3}).str().c_str());
  std::printf("windows over each pixel:\n %s\n",
              fold(Tensor::full(columns.shape(), 1), x.shape(), 2).reshape({3, 3}).str().c_str());
}
