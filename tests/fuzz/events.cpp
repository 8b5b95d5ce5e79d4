// TensorBoard's event files: what a resumed run drops of one, and what it adds.
#include "record/event_file.h"

#include "data/read_file.h"
#include "tests/fuzz/fuzz.h"

using namespace tweed;

namespace {

constexpr uint64_t most_bytes = 1 << 20;

std::string after(const std::string& path, int64_t kept) {
  EventFile(path, kept).flush();
  return read_file(path, most_bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string path = fuzz::put(EventFile::name, text_of(data + 1, size - 1));
  const int64_t kept = data[0];
  fuzz::expect_value_or_error([&] {
    const std::string whole = after(path, kept);
    if (after(path, kept) != whole) abort();  // nothing is left to drop
    EventFile more(path, kept);
    more.set_time(1);
    more.scalar("loss", kept, 0.5);
    more.flush();
  });
  fuzz::expect_value_or_error([&] {
    const std::string longer = read_file(path, most_bytes);
    if (after(path, kept) != longer) abort();  // what was added is read again
  });
  return 0;
}
