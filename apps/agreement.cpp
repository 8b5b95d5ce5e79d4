#include "apps/agreement.h"

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

// All labels, and some images, as they are stored.
std::string digest_of(const Dataset& data) {
  constexpr int64_t images = 16;
  std::vector<int32_t> labels;
  for (int64_t i = 0; i < data.size(); ++i) labels.push_back(data.label(i));
  std::string all = digest(labels.data(), labels.size() * sizeof labels[0], all);
  for (int64_t i = 0; i < std::min(images, data.size()); ++i) {
    const Image image = data.image(i * data.size() / std::min(images, data.size()));
    all = digest(image.pixels.data(), image.pixels.size(), all);
  }
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
