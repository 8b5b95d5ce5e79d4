// metrics.jsonl: reading it, and going on with it.
#include "record/metrics.h"

#include "tests/fuzz/fuzz.h"

using namespace tweed;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string path = fuzz::put("metrics.jsonl", text_of(data, size));
  fuzz::expect_value_or_error([&] { read_metric(path, "loss"); });
  fuzz::expect_value_or_error([&] { MetricsFile(path, 2).append({{"epoch", int64_t{3}}}); });
  fuzz::expect_value_or_error([&] {
    if (read_metric(path, "epoch").empty()) abort();  // whatever stood there is readable now
  });
  return 0;
}
