// MNIST's files: two bytes, how long the file of labels is, that file, and the file of images; each
// may be one of gzip.
#include "data/mnist.h"

#include <algorithm>
#include <filesystem>

#include "data/layout.h"
#include "tests/fuzz/fuzz.h"

using namespace tweed;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view all = text_of(data + 2, size - 2);
  const std::size_t length = std::min<std::size_t>(data[0] | data[1] << 8, all.size());
  const std::string root =
      std::filesystem::path(fuzz::put("train-labels-idx1-ubyte", all.substr(0, length)))
          .parent_path();
  fuzz::put("train-images-idx3-ubyte", all.substr(length));
  fuzz::expect_value_or_error([&] {
    const Listing listing = read_mnist(root);
    const auto make = layouts::mnist.maker({}, 28);
    for (std::size_t i = 0; i < std::min<std::size_t>(4, listing.train.size()); ++i)
      make(listing.train[i]);
  });
  return 0;
}
