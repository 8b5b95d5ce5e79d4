// JPEG and PNG files.
#include "data/image.h"

#include "tests/fuzz/fuzz.h"

using namespace tweed;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file(text_of(data, size));
  fuzz::expect_value_or_error([&] { decode_image(file.path()); });
  return 0;
}
