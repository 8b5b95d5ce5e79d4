// Runs the kernels of race.cu on the simulator, and prints what it says of them.
#include "race.h"

#include <cstdio>
#include <vector>

using namespace tweed;

int main() {
  std::vector<float> x(64, 1.f), y(1);
  Sim sim{.max_errors = 1};
  sum_with_barrier(sim, x, y);
  std::printf("with the barrier: %g\nwithout: ", y[0]);
  try {
    sum_without_barrier(sim, x, y);
    std::printf("%g\n", y[0]);
  } catch (const SimulatorError& e) {
    std::printf("%s\n", e.what());
  }
}
