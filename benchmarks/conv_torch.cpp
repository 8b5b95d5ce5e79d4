// PyTorch as a contender, in a process of its own.
#include <sstream>

#include "benchmarks/contender.h"
#include "benchmarks/conv_shapes.h"
#include "benchmarks/rival.h"

namespace tweed::bench {
namespace {

std::vector<std::string> command(const std::string& python, Device device, DType dtype,
                                 const TorchWay& way) {
  std::vector<std::string> words{
      python,        script("torch_conv_bench.py"),
      "--device",    device.name(),
      "--threads",   std::to_string(threads()),
      "--precision", dtype == DType::bfloat16 ? "bf16" : uses_tf32(device) ? "tf32" : "f32"};
  if (way.search) words.push_back("--search");
  if (way.channels_first) words.push_back("--channels-first");
  return words;
}

class Torch : public Contender {
 public:
  Torch(const std::string& name, const std::vector<std::string>& command)
      : name_(name), process_(command, tuned_malloc()) {}
  std::string name() const override { return name_; }
  std::string description() const override { return name_ + ": " + process_.description(); }
  bool is_rival() const override { return true; }
  bool prepare(const ConvData& data) override {
    process_.ask("conv " + conv_numbers(data.problem.conv) + " " +
                 std::to_string(data.checked.conv.window.N) + " " +
                 std::to_string(data.problem.sets));
    return true;
  }
  double seconds_each(Pass pass, int repeats) override {
    return process_.number(std::string("time ") + name_of(pass) + " " + std::to_string(repeats));
  }
  Facts facts(Pass pass) override {
    std::istringstream words(process_.ask(std::string("facts ") + name_of(pass)));
    Facts facts;
    int64_t workspace = -1;
    words >> facts.error >> workspace;
    if (workspace >= 0) facts.workspace = workspace;
    return facts;
  }

 private:
  std::string name_;
  Rival process_;
};

}  // namespace

ContenderPtr torch_rival(const std::string& python, Device device, DType dtype,
                         const TorchWay& way) {
  std::string name = !device.is_cuda() ? "PyTorch" : way.search ? "cuDNN best" : "cuDNN default";
  if (way.channels_first) name += " NCHW";
  return std::make_unique<Torch>(name, command(python, device, dtype, way));
}

}  // namespace tweed::bench
