// Projected gradient descent: an attack.
#include "pgd.h"

#include <algorithm>

#include "exercises/sheet.h"

namespace tweed::exercise {

Image pgd(const Image& x, const GradientOf& gradient_of, float eps, float step, int steps) {
  // WRITE: from x, each step along the sign of the gradient, then back to within eps and 0..1.
  blank("the attack, in pgd.cpp");
}

}  // namespace tweed::exercise
