// Adversarial training: attack the batch, then learn from it.
#include "adversarial.h"

#include <algorithm>

#include "autograd/loss.h"
#include "exercises/sheet.h"
#include "nn/eval_mode.h"

namespace tweed::exercise {

Tensor attacked(Module& network, const Tensor& images, const Tensor& labels, const Budget& budget) {
  // WRITE: steps along the sign of the images' gradient, each followed by the way back to within
  // eps and 0..1. The network must not notice.
  blank("the attack, in adversarial.cpp");
}

double adversarial_step(Module& network, Optimizer& optimizer, const Tensor& images,
                        const Tensor& labels, const Budget& budget) {
  // WRITE: attack, gradients of the loss on what comes out, a step of the optimizer.
  blank("the step, in adversarial.cpp");
}

}  // namespace tweed::exercise
