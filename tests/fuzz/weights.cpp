// Weights that others made, for a network of two layers.
#include "record/checkpoint.h"
#include "tests/fuzz/fuzz.h"

using namespace tweed;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  static const std::string network = fuzz::put("net.json",
                                               R"({"layers": [{"type": "GlobalAvgPool"},
                     {"type": "Linear", "in_features": 3, "out_features": "classes"}]})");
  const fuzz::MemoryFile file(text_of(data, size));
  fuzz::expect_value_or_error([&] { load_weights(file.path(), network); });
  return 0;
}
