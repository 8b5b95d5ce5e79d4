// A pack's end: the description, to which the pixels before it, its length and the mark behind it
// are added unless the first byte says otherwise.
#include "data/pack.h"

#include "tests/fuzz/fuzz.h"

using namespace tweed;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view text = text_of(data + 1, size - 1);
  std::string file(text);
  if (data[0] != 'r') {
    uint64_t bytes = text.size();
    file = std::string(12 * (data[0] % 16), 'x') + file;
    file.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
    file += "TWEEDPK1";
  }
  const fuzz::MemoryFile pack(file);
  fuzz::expect_value_or_error([&] {
    const Pack read = read_pack(pack.path());
    const int64_t pixels = (read.listed - int64_t(read.damaged.size())) * read.side * read.side * 3;
    volatile uint8_t last = pixels ? read.pixels.get()[pixels - 1] : 0;
    (void)last;
  });
  return 0;
}
