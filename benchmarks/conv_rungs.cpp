// Our own algorithms as contenders.
#include "benchmarks/contender.h"
#include "benchmarks/conv_pass.h"
#include "benchmarks/timing.h"

namespace tweed::bench {
namespace {

class Rung : public Contender {
 public:
  explicit Rung(const ConvAlgorithm& algorithm) : algorithm_(algorithm) {}
  std::string name() const override { return algorithm_.name; }
  bool is_rival() const override { return false; }
  bool prepare(const ConvData& data) override {
    data_ = &data;
    const Problem& p = data.problem;
    return (!algorithm_.can || algorithm_.can(p.conv, ConvPass::forward, p.dtype)) &&
           (!algorithm_.sensible || algorithm_.sensible(p.conv));
  }
  double seconds_each(Pass pass, int repeats) override {
    return tweed::seconds_each(data_->problem.device, repeats,
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
  const ConvAlgorithm& algorithm_;
  const ConvData* data_ = nullptr;
};

}  // namespace

ContenderPtr our_algorithm(const std::string& name, Device device) {
  const ConvAlgorithm* algorithm = parse_conv_algorithm(name);
  std::string names;
  for (const ConvAlgorithm* row : conv_rows_of(device)) {
    if (row == algorithm) return std::make_unique<Rung>(*row);
    names += (names.empty() ? "" : ", ") + std::string(row->name);
  }
  throw Error(device.name() + " has no convolution '" + name + "' to time; it has " + names);
}

}  // namespace tweed::bench
