// Our own algorithms as contenders.
#include <algorithm>

#include "benchmarks/contender.h"
#include "benchmarks/conv_pass.h"
#include "benchmarks/timing.h"

namespace tweed::bench {
namespace {

class Rung : public Contender {
 public:
  Rung(const std::string& name, ConvAlgorithm algorithm) : name_(name), algorithm_(algorithm) {}
  std::string name() const override { return name_; }
  bool is_rival() const override { return false; }
  bool prepare(const ConvData& data) override {
    data_ = &data;
    if (algorithm_ == ConvAlgorithm::winograd) return conv_has_winograd(data.problem.conv);
    return algorithm_ != ConvAlgorithm::direct || conv_direct_is_fast(data.problem.conv);
  }
  double seconds_each(Pass pass, int repeats) override {
    return bench::seconds_each(data_->problem.device, repeats,
                               [&] { run_pass(algorithm_, pass, data_->all); });
  }
  Facts facts(Pass pass) override {
    const Device device = data_->problem.device;
    reset_peak_memory(device);
    const Tensor result = run_pass(algorithm_, pass, data_->all);
    const MemoryStats memory = memory_stats(device);
    return {int64_t(memory.peak - memory.current),
            data_->error(pass, run_pass(algorithm_, pass, data_->checked))};
  }

 private:
  std::string name_;
  ConvAlgorithm algorithm_;
  const ConvData* data_ = nullptr;
};

}  // namespace

ContenderPtr our_algorithm(const std::string& name, Device device) {
  const ConvAlgorithm algorithm = parse_conv_algorithm(name);
  const auto known = conv_algorithms(device);
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    std::string names;
    for (auto& word : known) names += (names.empty() ? "" : ", ") + word;
    throw Error(device.name() + " has no convolution '" + name + "' to time; it has " + names);
  }
  return std::make_unique<Rung>(name, algorithm);
}

}  // namespace tweed::bench
