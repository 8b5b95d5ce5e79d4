// Words that several forms of conv_bench's results share.
#pragma once
#include <string>

#include "benchmarks/conv_results.h"

namespace tweed::bench {

/// printf into a string.
/// "cpu with 2 threads"
std::string device_words(const ConvResults& results);
/// "171 GFLOP/s", or on `cuda` "312.4 TFLOP/s".
std::string rate_words(const ConvResults& results, double flops_a_second);
/// "forward", "weight gradient" or "input gradient".
const char* pass_words(Pass pass);
/// "1.25 MB", "12 kB" or "-".
std::string bytes_words(const std::optional<int64_t>& bytes);
/// "12.3", or "-".
std::string ms_words(const std::optional<double>& seconds);

}  // namespace tweed::bench
