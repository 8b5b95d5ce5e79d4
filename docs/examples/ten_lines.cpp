#include <cstdio>
#include "tweed.h"
using namespace tweed;
int main() {  // learns XOR
  Tensor x = Tensor::from<float>({0, 0, 0, 1, 1, 0, 1, 1}, {4, 2});
  Tensor y = Tensor::from<int32_t>({0, 1, 1, 0}, {4});
  Sequential net{Linear(2, 16), ReLU(), Linear(16, 2)};
  SGD sgd(net, {.lr = 0.1, .momentum = 0.9});
  for (int step = 0; step < 200; ++step) {
    Tensor loss = cross_entropy(net(x), y);
    sgd.zero_grad(), backward(loss), sgd.step();
    if (step % 50 == 49) std::printf("step %d: loss %.4f\n", step + 1, loss.item());
  }
  std::printf("%s\n", softmax(net(x)).str().c_str());
}
