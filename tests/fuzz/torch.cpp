// Files of torch.save: the zip archive or the stream, its pickles, then tensor by tensor.
#include "record/torch/torch_file.h"
#include "tests/fuzz/fuzz.h"

using namespace tweed;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file(text_of(data, size));
  fuzz::expect_value_or_error([&] {
    const TorchFile tensors(file.path());
    for (auto& item : tensors.tensors())
      fuzz::expect_value_or_error([&] { tensors.read(item.first); });
  });
  return 0;
}
