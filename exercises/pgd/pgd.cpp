// Projected gradient descent: an attack.
#include "pgd.h"

#include <algorithm>

#include "exercises/sheet.h"

namespace tweed::exercise {

Image pgd(const Image& x, const GradientOf& gradient_of, float eps, float step, int steps) {
  // TODO
  blank("the attack, in pgd.cpp");
}

}  // namespace tweed::exercise
