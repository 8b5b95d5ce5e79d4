// CIFAR-10's files: a byte for each record's label, a form feed, what follows the last record, a
// form feed, and the names.
#include "data/cifar10.h"

#include <filesystem>

#include "tests/fuzz/fuzz.h"

using namespace tweed;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  std::string_view rest = text_of(data, size);
  std::string records;
  for (char label : fuzz::take_part(rest).substr(0, 20)) {
    records += label;
    records.append(3072, label);
  }
  records += fuzz::take_part(rest);
  const std::string root =
      std::filesystem::path(fuzz::put("data_batch_1.bin", records)).parent_path();
  fuzz::put("batches.meta.txt", rest);
  fuzz::expect_value_or_error([&] {
    for (auto& sample : read_cifar10(root).train) read_cifar10_image(sample);
  });
  return 0;
}
