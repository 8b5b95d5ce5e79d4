// Safetensors files, as whole and tensor by tensor.
#include "record/safetensors.h"

#include "tests/fuzz/fuzz.h"

using namespace tweed;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file(text_of(data, size));
  fuzz::expect_value_or_error([&] { read_safetensors(file.path()); });
  return 0;
}
