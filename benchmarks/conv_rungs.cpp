// Our own algorithms as contenders. On a GPU the passes of a turn are recorded and replayed, so
// that the host's time does not count.
#include "benchmarks/contender.h"
#include "benchmarks/conv_pass.h"
#include "benchmarks/timing.h"
#include "tensor/replay.h"

namespace tweed::bench {
namespace {

class Rung : public Contender {
 public:
  explicit Rung(const ConvAlgorithm& algorithm) : algorithm_(algorithm) {}
  std::string name() const override { return algorithm_.name; }
  bool is_rival() const override { return false; }
  bool prepare(const ConvData& data) override {
    recorded_.reset();
    data_ = &data;
    const Problem& p = data.problem;
    return (!algorithm_.can || algorithm_.can(p.conv, ConvPass::forward, p.dtype)) &&
           (!algorithm_.sensible || algorithm_.sensible(p.conv));
  }
  double seconds_each(Pass pass, int repeats) override {
    const Device device = data_->problem.device;
    if (!device.is_cuda())
      return tweed::seconds_each(device, 1, [&] { run(pass, repeats); }) / repeats;
    if (!recorded_ || pass_ != pass || repeats_ != repeats) record(pass, repeats);
    return tweed::seconds_each(device, 1, [&] { (*recorded_)(); }) / repeats;
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
  void run(Pass pass, int repeats) {
    for (int i = 0; i < repeats; ++i)
      run_pass(algorithm_, pass, data_->sets[std::size_t(i) % data_->sets.size()]);
  }
  void record(Pass pass, int repeats) {
    recorded_.reset();
    pass_ = pass, repeats_ = repeats;
    recorded_ = std::make_unique<Replay>(data_->problem.device, [=, this] { run(pass, repeats); });
    while (!recorded_->replays()) (*recorded_)();
  }

  const ConvAlgorithm& algorithm_;
  const ConvData* data_ = nullptr;
  std::unique_ptr<Replay> recorded_;  // of these:
  Pass pass_ = Pass::forward;
  int repeats_ = 0;
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
