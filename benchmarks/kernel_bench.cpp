// Times every kernel beside a plain copy or the processor's peak. See --help.
#include <omp.h>

#include <cstdio>
#include <cstring>

#include "apps/app.h"
#include "benchmarks/kernel_cases.h"
#include "benchmarks/peak.h"
#include "benchmarks/timing.h"

using namespace tweed;

namespace {

using bench::KernelCase;

struct Flags {
  std::string filter;
  int repeats = 15;
  app::DeviceFlags device;
};

// The yardstick: memcpy of a large array on all threads.
class Copy {
 public:
  Copy() : from_(bytes, 1), to_(bytes) { run(); }
  /// Bytes a second, read and written.
  double run() {
    return 2 * double(bytes) / bench::seconds([&] {
#pragma omp parallel num_threads(threads())
             {
               const auto n = std::size_t(omp_get_num_threads()),
                          i = std::size_t(omp_get_thread_num());
               const std::size_t first = bytes * i / n, last = bytes * (i + 1) / n;
               std::memcpy(to_.data() + first, from_.data() + first, last - first);
             }
           });
  }

 private:
  static constexpr std::size_t bytes = 64 << 20;
  std::vector<char> from_, to_;
};

// Kernel and yardstick take turns.
void measure(const KernelCase& c, const Flags& f, Device device, Copy& copy, double peak) {
  std::vector<double> times, shares;
  c.run();
  synchronize(device);
  for (int i = 0; i < f.repeats && !app::interrupted(); ++i) {
    const double yardstick = c.bytes ? copy.run() : peak;
    times.push_back(bench::seconds([&] {
      c.run();
      synchronize(device);
    }));
    shares.push_back((c.bytes ? c.bytes : c.flops) / times.back() / yardstick);
  }
  const double t = bench::median(times);
  std::printf("%-34s %8.2f ms  %9.1f %s  %7.1f %-7s  %4.0f %% of %s%s%s\n", c.name.c_str(), 1e3 * t,
              (c.bytes ? c.bytes / 1e6 : c.flops / 1e9), c.bytes ? "MB   " : "GFLOP",
              (c.bytes ? c.bytes : c.flops) / t / 1e9, c.bytes ? "GB/s" : "GFLOP/s",
              100 * bench::median(shares), c.bytes ? "copy" : "peak", c.costs.empty() ? "" : "  ",
              c.costs.c_str());
  std::fflush(stdout);
}

int bench_all(const Flags& f, Device device) {
  Copy copy;
  const double peak = bench::fma_peak(threads()) * 1e9;
  std::vector<double> copies;
  for (int i = 0; i < f.repeats; ++i) copies.push_back(copy.run());
  std::printf("%s, %d threads; memcpy %.1f GB/s read and written, FMA peak %.0f GFLOP/s, float32\n",
              device.name().c_str(), threads(), bench::median(copies) / 1e9, peak / 1e9);
  for (auto family :
       {bench::element_cases, bench::row_cases, bench::image_cases, bench::product_cases})
    for (auto& c : family(device)) {
      if (app::interrupted()) return 130;
      if (c.name.find(f.filter) != std::string::npos) measure(c, f, device, copy, peak);
    }
  return 0;
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App flags(
      "Times each kernel on large float32 inputs: bytes that it must move, GB/s, and the share of "
      "the bandwidth of a plain copy, measured in turns with it; for products and convolutions "
      "GFLOP/s and the share of the processor's peak. What else a kernel computes stands at the "
      "end of its line.\nSet OMP_WAIT_POLICY=passive on shared machines.",
      "kernel_bench");
  auto f = std::make_shared<Flags>();
  flags.add_option("filter", f->filter, "only kernels whose name contains this");
  flags.add_option("--repeats", f->repeats, "of which the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  f->device.add_to(flags);
  app::parse(flags, argc, argv);
  Device device = f->device.open();
  return [=] { return bench_all(*f, device); };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("kernel_bench", [&] { return prepare(argc, argv); });
}
