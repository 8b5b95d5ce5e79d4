// Networks from JSON.
#include "nn/models/sequential.h"
#include "nn/weight_limit.h"
#include "tests/fuzz/fuzz.h"

using namespace tweed;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  // Weights that are asked for take time to draw, and are no fault.
  const WeightLimit limit(1 << 16, "this test has time for");
  fuzz::expect_value_or_error([&] {
    const auto network = sequential_model("net.json", std::string(text_of(data, size)), {});
    network->str();
  });
  return 0;
}
