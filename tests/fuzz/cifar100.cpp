// CIFAR-100's files: a byte for each record's fine label, a form feed, what follows the last
// record, a form feed, and the names.
#include <filesystem>

#include "data/cifar10.h"
#include "tests/fuzz/fuzz.h"

using namespace tweed;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  std::string_view rest = text_of(data, size);
  std::string records;
  for (char label : fuzz::take_part(rest).substr(0, 20)) {
    records += {0, label};
    records.append(3072, label);
  }
  records += fuzz::take_part(rest);
  const std::string root = std::filesystem::path(fuzz::put("train.bin", records)).parent_path();
  fuzz::put("fine_label_names.txt", rest);
  fuzz::expect_value_or_error([&] {
    for (auto& sample : read_cifar100(root).train) read_cifar100_image(sample);
  });
  return 0;
}
