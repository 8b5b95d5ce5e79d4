// Climbs the ladder of ladder.cu: checks each rung on every machine that there is, and prints what
// it costs on each.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "kernels/machine/sim/banks.h"
#include "kernels/philox.h"
#include "ladder.h"
#include "tensor/device.h"
#include "tensor/tensor.h"

using namespace tweed;

namespace {

constexpr int64_t columns = 768, few_rows = 64, many_rows = 4096;

struct RungName {
  Rung rung;
  const char* name;
};
constexpr RungName rungs[] = {{Rung::by_thread, "by_thread"},
                              {Rung::by_block, "by_block"},
                              {Rung::by_warp, "by_warp"},
                              {Rung::by_packs, "by_packs"}};

// Numbers around 20, which a mean of squares alone would not survive.
std::vector<float> numbers(int64_t rows) {
  Random random(1, Purpose::test);
  std::vector<float> x;
  for (int64_t i = 0; i < rows * columns; ++i) x.push_back(20 + random.uniform(-1, 1));
  return x;
}

// Against plain loops. The largest difference.
double error_of(const std::vector<float>& x, const std::vector<float>& y) {
  double worst = 0;
  for (std::size_t first = 0; first < x.size(); first += columns) {
    double mean = 0, variance = 0;
    for (std::size_t c = 0; c < columns; ++c) mean += double(x[first + c]) / columns;
    for (std::size_t c = 0; c < columns; ++c)
      variance += std::pow(double(x[first + c]) - mean, 2) / columns;
    for (std::size_t c = 0; c < columns; ++c) {
      const double wanted = (double(x[first + c]) - mean) / std::sqrt(variance + 1e-5);
      const double difference = std::abs(double(y[first + c]) - wanted);
      worst = difference <= worst ? worst : difference;  // and NaN counts
    }
  }
  return worst;
}

double quickest_milliseconds(const std::function<void()>& run) {
  using Clock = std::chrono::steady_clock;
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 10; ++i) {
    const auto begin = Clock::now();
    run();
    best = std::min(best, std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
  }
  return best;
}

struct Counts {
  int64_t bytes = 0, conflicts = 0;
  sim::MeetingCount meetings;
};
Counts counted(Rung rung, std::vector<float>& x, std::vector<float>& y) {
  Sim machine{.count_banks = true};
  layer_norm_rung<Sim>(machine, rung, columns, x, y);
  Counts counts;
  for (auto& line : sim::take_sector_counts()) counts.bytes += line.sectors * sim::sector_bytes;
  for (auto& line : sim::take_bank_counts()) counts.conflicts += line.conflicts;
  counts.meetings = sim::take_meeting_counts();
  return counts;
}

// Tells whether what a machine computed is right.
bool right(const char* machine, const char* rung, double error) {
  if (error < 1e-4) return true;
  std::fprintf(stderr, "%s on %s is wrong by %g\n", rung, machine, error);
  return false;
}

bool climb_sim() {
  bool all = true;
  auto x = numbers(few_rows), y = x;
  const double least = 2 * 4 * double(x.size());
  std::printf("sim, %d rows of %d\n", int(few_rows), int(columns));
  std::printf("%-10s %12s %10s %10s %10s %10s\n", "rung", "bytes", "of least", "conflicts",
              "barriers", "shuffles");
  for (auto [rung, name] : rungs) {
    std::fill(y.begin(), y.end(), NAN);
    const Counts c = counted(rung, x, y);
    all &= right("sim", name, error_of(x, y));
    std::printf("%-10s %12lld %10.2f %10lld %10lld %10lld\n", name, static_cast<long long>(c.bytes),
                double(c.bytes) / least, static_cast<long long>(c.conflicts),
                static_cast<long long>(c.meetings.barriers),
                static_cast<long long>(c.meetings.warps));
  }
  return all;
}

// On `cpu` or a GPU, whose tensors are in memory of its own.
bool climb(Device device, int64_t rows) {
  bool all = true;
  const auto numbers_of_x = numbers(rows);
  const Tensor x = Tensor::from(numbers_of_x, {rows, columns}, device);
  std::printf("%s, %d rows of %d\n%-10s %12s %10s\n", device.name().c_str(), int(rows),
              int(columns), "rung", "ms", "GB/s");
  for (auto [rung, name] : rungs) {
    const Tensor y = Tensor::full({rows, columns}, NAN, DType::float32, device);
    const Rung which = rung;
    const double ms = quickest_milliseconds([&] {
      on(device, [&](auto& here) {
        layer_norm_rung(here, which, columns, x.read<float>(), y.write<float>());
      });
      synchronize(device);
    });
    all &= right(device.name().c_str(), name, error_of(numbers_of_x, y.to_vector<float>()));
    std::printf("%-10s %12.3f %10.1f\n", name, ms, 2 * 4 * double(x.size()) / ms / 1e6);
  }
  return all;
}

bool has_gpu() {
  try {
    Device::parse("cuda");
    return true;
  } catch (const DeviceError&) {
    return false;
  }
}

}  // namespace

// With a number: so many rows on the CPU and on a GPU.
int main(int argc, char** argv) {
  const int64_t rows = argc > 1 ? std::atoll(argv[1]) : many_rows;
  if (argc > 2 || rows < 1 || rows > 1'000'000) {
    std::fprintf(stderr, "usage: %s [ROWS]    up to 1,000,000\n", argv[0]);
    return 2;
  }
  bool all = climb_sim();
  all &= climb(Device(), rows);
  if (has_gpu()) all &= climb(Device::parse("cuda"), rows);
  return all ? 0 : 1;
}
