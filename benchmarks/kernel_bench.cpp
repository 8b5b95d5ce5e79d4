// Times every kernel beside a plain copy or the processor's peak. See --help.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/app.h"
#include "benchmarks/kernel_cases.h"
#include "benchmarks/timing.h"
#include "data/whole_file.h"
#include "train/limits.h"

using namespace tweed;

namespace {

using bench::KernelCase;

struct Flags {
  std::string filter, json;
  int repeats = 15;
  bool quick = false;
  app::DeviceFlags device;
};

// Bytes of the copy that is the yardstick: on a GPU so many that the wait for its end does not
// count.
int64_t copied_bytes(const bench::Setting& s) {
  if (s.quick) return int64_t(1) << 20;
  return int64_t(s.device.is_cuda() ? 1024 : 64) << 20;
}

struct Result {
  double seconds, share;  // medians; share of the yardstick
};

class Bench {
 public:
  Bench(const Flags& f, Device device)
      : flags_(f),
        setting_{device, device.is_cuda() ? 8 : 1, f.quick || is_simulated(device)},
        calls_(device.is_cuda() && !setting_.quick ? 20 : 1) {}

  int run() {
    copy_ = std::make_unique<CopyYardstick>(setting_.device, copied_bytes(setting_));
    peak_ = peak_flops(setting_.device, DType::float32);
    std::vector<double> copies;
    for (int i = 0; i < flags_.repeats; ++i) copies.push_back(copy_->run());
    const bool cpu = setting_.device.kind() == Device::Kind::cpu;
    const std::string device =
        setting_.device.name() + (cpu ? ", " + std::to_string(threads()) + " threads" : "");
    std::printf("%s; %s %.1f GB/s read and written, %s peak %.0f GFLOP/s, float32\n",
                device.c_str(), cpu ? "memcpy" : "copy", bench::median(copies) / 1e9,
                cpu ? "FMA" : "GEMM", peak_ / 1e9);
    json_ = {{"device", device},
             {"dtype", "float32"},
             {"copy_gb_s", bench::median(copies) / 1e9},
             {"peak_gflops", peak_ / 1e9},
             {"kernels", nlohmann::ordered_json::array()}};
    for (auto family :
         {bench::element_cases, bench::row_cases, bench::image_cases, bench::product_cases})
      for (auto& c : family(setting_)) {
        if (c.name.find(flags_.filter) == std::string::npos) continue;
        const Result result = measure(c);
        if (app::interrupted()) return 130;
        report(c, result);
      }
    if (!flags_.json.empty()) {
      WholeFile file(flags_.json);
      file.write(json_.dump(2) + "\n");
      file.commit();
    }
    return 0;
  }

 private:
  // Kernel and yardstick take turns.
  Result measure(const KernelCase& c) {
    std::vector<double> times, shares;
    c.run();
    for (int i = 0; i < flags_.repeats && !app::interrupted(); ++i) {
      const double yardstick = c.bytes ? copy_->run() : peak_;
      times.push_back(tweed::seconds_each(setting_.device, calls_, c.run));
      shares.push_back(work_of(c) / times.back() / yardstick);
    }
    if (times.empty()) return {};
    return {bench::median(times), bench::median(shares)};
  }
  static double work_of(const KernelCase& c) { return c.bytes ? c.bytes : c.flops; }

  void report(const KernelCase& c, const Result& r) {
    const bool moves = c.bytes > 0;
    const double work = work_of(c);
    std::printf("%-34s %8.2f ms  %9.1f %s  %7.1f %-7s  %4.0f %% of %s%s%s\n", c.name.c_str(),
                1e3 * r.seconds, moves ? work / 1e6 : work / 1e9, moves ? "MB   " : "GFLOP",
                work / r.seconds / 1e9, moves ? "GB/s" : "GFLOP/s", 100 * r.share,
                moves ? "copy" : "peak", c.costs.empty() ? "" : "  ", c.costs.c_str());
    std::fflush(stdout);
    json_["kernels"].push_back({{"name", c.name},
                                {"ms", 1e3 * r.seconds},
                                {moves ? "mb" : "gflop", work / (moves ? 1e6 : 1e9)},
                                {moves ? "gb_s" : "gflops", work / r.seconds / 1e9},
                                {moves ? "share_of_copy" : "share_of_peak", r.share},
                                {"costs", c.costs}});
  }

  const Flags& flags_;
  bench::Setting setting_;
  int calls_;  // in a row for one figure: launches run behind the host's back
  double peak_ = 0;
  std::unique_ptr<CopyYardstick> copy_;
  nlohmann::ordered_json json_;
};

std::function<int()> prepare(int argc, char** argv) {
  CLI::App flags(
      "Times each kernel on large float32 inputs: bytes that it must move, GB/s, and the share of "
      "the bandwidth of a plain copy, measured in turns with it; for products and convolutions "
      "GFLOP/s and the share of the peak. What else a kernel computes stands at the end of its "
      "line.\nThreads that wait sleep after some 30 us, unless OMP_WAIT_POLICY says otherwise.",
      "kernel_bench");
  auto f = std::make_shared<Flags>();
  flags.add_option("filter", f->filter, "only kernels whose name contains this");
  flags.add_option("--repeats", f->repeats, "of which the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  flags.add_flag(
      "--quick", f->quick,
      "tiny inputs, to see that everything runs; always so on sim and on an emulated GPU");
  flags.add_option("--json", f->json, "write everything to this file");
  f->device.add_to(flags);
  app::parse(flags, argc, argv);
  if (!f->json.empty()) app::make_output_folder(app::folder_of(f->json));
  Device device = f->device.open();
  return [=] { return Bench(*f, device).run(); };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("kernel_bench", [&] { return prepare(argc, argv); });
}
