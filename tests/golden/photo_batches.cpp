// Writes what PyTorch needs to repeat the first steps on real photos, and prints our losses:
//
//   photo_batches MINIPLACES FOLDER [STEPS]
//   python3 benchmarks/torch_photos.py --first-batches STEPS --weights FOLDER/weights.safetensors
//       --batches FOLDER/batches.safetensors --out tests/golden/photo_losses.safetensors
#include <cstdio>
#include <cstdlib>

#include "tests/first_losses.h"

int main(int argc, char** argv) try {
  if (argc < 3) return std::fprintf(stderr, "usage: photo_batches MINIPLACES FOLDER [STEPS]\n"), 2;
  int steps = argc > 3 ? std::atoi(argv[3]) : 50;
  std::string folder = argv[2];
  auto data = tweed::photos(argv[1]);
  tweed::write_safetensors(folder + "/weights.safetensors", tweed::first_weights(data));
  tweed::write_safetensors(folder + "/batches.safetensors", tweed::first_batches(data, steps));
  for (double loss : tweed::first_losses(data, steps)) std::printf("%.7f\n", loss);
} catch (const std::exception& e) {
  std::fprintf(stderr, "photo_batches: %s\n", e.what());
  return 1;
}
