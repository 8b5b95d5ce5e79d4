#include "apps/agreement.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "apps/app.h"
#include "apps/train_flags.h"

namespace tweed {
using namespace app;
namespace {

// The bytes of this program: the same source compiled otherwise may compute other bits.
std::string digest_of_program() {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  std::string all, block(1 << 20, '\0');
  while (file.read(block.data(), std::streamsize(block.size())) || file.gcount() > 0)
    all = digest(block.data(), std::size_t(file.gcount()), all);
  return all;
}

// Calls f with some of the numbers from 0 to `size`, at equal distances.
template <class F>
void for_some(int64_t most, int64_t size, F f) {
  const int64_t count = std::min(most, size);
  for (int64_t i = 0; i < count; ++i) f(i * size / count);
}

// All labels and names, and what is quickly seen of the images: as many sizes of files and images
// as take no time to speak of.
std::string digest_of(const Dataset& data) {
  namespace fs = std::filesystem;
  std::vector<int64_t> numbers;
  std::string names;
  for (int64_t i = 0; i < data.size(); ++i) {
    numbers.push_back(data.label(i));
    names += fs::path(data.path(i)).filename().string() + '\0';
  }
  for_some(1000, data.size(), [&](int64_t i) {
    std::error_code error;
    const auto bytes = fs::file_size(data.path(i), error);
    numbers.push_back(error ? -1 : int64_t(bytes));
  });
  std::string all = digest(numbers.data(), numbers.size() * sizeof numbers[0], names);
  for_some(16, data.size(), [&](int64_t i) {
    const Image image = data.image(i);
    all = digest(image.pixels.data(), image.pixels.size(), all);
  });
  return all;
}

}  // namespace

std::vector<Fact> app::facts_of(const TrainFlags& f, const DataSplits& data,
                                const CheckpointInfo& info, const Module& network) {
  std::vector<Fact> facts{{"version of Tweed", TWEED_VERSION}, {"build", digest_of_program()}};
  for (auto& [name, values] : f.training.flags)
    if (name != "data" && name != "--print-freq")
      facts.push_back({"value of " + name, joined(values)});
  facts.push_back({"value of --conv", f.conv});
  facts.push_back({"list of classes", joined(info.classes)});
  for (auto& [what, part] : {std::pair<const char*, const Dataset&>("training", data.train),
                             {"validation", data.validation}}) {
    facts.push_back({std::string("number of ") + what + " images", std::to_string(part.size())});
    facts.push_back({std::string("content of the ") + what + " images", digest_of(part)});
  }
  std::vector<Tensor> weights;
  for (auto& [name, t] : network.state()) weights.push_back(t);
  facts.push_back({"set of initial weights", digest(weights)});
  return facts;
}

}  // namespace tweed
