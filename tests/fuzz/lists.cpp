// MiniPlaces' lists: categories.txt, train.txt and val.txt, with form feeds between them.
#include <filesystem>

#include "data/dataset.h"
#include "tests/fuzz/fuzz.h"

using namespace tweed;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  std::string_view rest = text_of(data, size);
  const std::string root =
      std::filesystem::path(fuzz::put("categories.txt", fuzz::take_part(rest))).parent_path();
  fuzz::put("train.txt", fuzz::take_part(rest));
  fuzz::put("val.txt", rest);
  fuzz::expect_value_or_error([&] { read_miniplaces(root); });
  return 0;
}
