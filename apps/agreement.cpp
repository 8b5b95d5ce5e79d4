#include "apps/agreement.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

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

// Given somewhere, or not.
static std::string is_given(bool given) { return given ? "given" : "none"; }

std::vector<Fact> app::wishes_of(const CLI::App& app, const TrainFlags& f) {
  const std::set<std::string> own{
      "data",     "--validation",  "--weights", "--resume",     "--out",     "--pack",
      "--draw",   "--pack-folder", "--config",  "--print-freq", "--threads", "--workers",
      "--device", "--gpu",         "--movie",   "--kernel",     "--profile", "--images-on",
      "--help",   "--help-all",    "--version"};
  std::vector<Fact> facts;
  for (const CLI::Option* option : app.get_options()) {
    const auto values = values_of(*option);
    if (!own.contains(option->get_name()))
      facts.push_back({"value of " + option->get_name(), values.empty() ? "none" : joined(values)});
  }
  facts.push_back({"value of --resume", is_given(!f.resume.empty())});
  facts.push_back({"value of --pack", is_given(f.data.pack || !f.data.pack_folder.empty())});
  return facts;
}

// Each figure to its last bit.
static std::string text_of(const std::array<float, 3>& values) {
  std::string all;
  for (const float v : values) {
    char text[40];
    std::snprintf(text, sizeof text, "%s%.9g", all.empty() ? "" : ", ", double(v));
    all += text;
  }
  return all;
}

static void add_images(std::vector<Fact>& facts, const std::string& what, const Dataset& part) {
  facts.push_back({"number of " + what + " images", std::to_string(part.size())});
  facts.push_back({"content of the " + what + " images", digest_of(part)});
}

std::vector<Fact> app::facts_of(const Dataset& validation, const CheckpointInfo& info,
                                const Module& network) {
  std::vector<Fact> facts{{"version of Tweed", TWEED_VERSION}, {"build", digest_of_program()}};
  facts.push_back({"list of classes", joined(info.classes)});
  facts.push_back({"size of images", std::to_string(info.image_size)});
  facts.push_back({"mean of pixels", text_of(info.mean)});
  facts.push_back({"deviation of pixels", text_of(info.std)});
  add_images(facts, "validation", validation);
  std::vector<Tensor> weights;
  for (auto& [name, t] : network.state()) weights.push_back(t);
  facts.push_back({"set of initial weights", digest(weights)});
  return facts;
}

std::vector<Fact> app::facts_of(const TrainFlags& f, const DataSplits& data,
                                const CheckpointInfo& info, const Module& network) {
  std::vector<Fact> facts;
  for (auto& [name, values] : f.training.flags)
    if (name != "data" && name != "--print-freq")
      facts.push_back({"value of " + name, joined(values)});
  facts.push_back({"value of --conv", f.conv});
  add_images(facts, "training", data.train);
  for (auto& fact : facts_of(data.validation, info, network)) facts.push_back(fact);
  return facts;
}

}  // namespace tweed
