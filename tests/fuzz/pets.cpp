// Oxford Pets' lists: trainval.txt and test.txt with a form feed between them. One photo is there.
#include <filesystem>

#include "data/dataset.h"
#include "tests/fuzz/fuzz.h"

using namespace tweed;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  namespace fs = std::filesystem;
  std::string_view rest = text_of(data, size);
  static const fs::path root = [] {
    const fs::path folder = fs::path(fuzz::put("here", "")).parent_path();
    fs::create_directories(folder / "annotations");
    fs::create_directories(folder / "images");
    fuzz::put("images/a_1.jpg", "");
    return folder;
  }();
  fuzz::put("annotations/trainval.txt", fuzz::take_part(rest));
  fuzz::put("annotations/test.txt", rest);
  fuzz::expect_value_or_error([&] { read_oxford_pets(root); });
  return 0;
}
