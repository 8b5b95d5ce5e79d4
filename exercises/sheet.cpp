#include "exercises/sheet.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <sstream>

#include "kernels/machine/sim/banks.h"
#include "kernels/machine/sim/run.h"
#include "kernels/philox.h"
#include "tensor/device.h"

namespace tweed::exercise {
namespace {

std::string in_thousands(int64_t n) {
  const std::string digits = std::to_string(n);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

// The quickest of a few calls, after one that may have to prepare something.
double milliseconds(const std::function<void()>& run) {
  using Clock = std::chrono::steady_clock;
  double best = std::numeric_limits<double>::infinity();
  run();
  for (int i = 0; i < 5; ++i) {
    const auto begin = Clock::now();
    run();
    best = std::min(best, std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
  }
  return best;
}

// While one lives, on_simulator() counts.
struct Counting {
  static inline bool now = false;
  Counting() { now = true; }
  ~Counting() { now = false; }
};

struct Traffic {
  int64_t bytes = 0;
  std::string line;  // that moves most
};
Traffic traffic_of(const std::function<void()>& check) {
  sim::take_sector_counts();
  {
    const Counting counting;
    check();
  }
  Traffic all;
  int64_t most = 0;
  for (auto& line : sim::take_sector_counts()) {
    all.bytes += line.sectors * sim::sector_bytes;
    if (line.sectors <= most) continue;
    most = line.sectors;
    all.line = line.line;
  }
  return all;
}

// A NaN that no computation makes.
const float unwritten_value = std::bit_cast<float>(0x7fd0b1a4u);
bool is_unwritten(float v) {
  return std::bit_cast<uint32_t>(v) == std::bit_cast<uint32_t>(unwritten_value);
}

// "y[5] of 3 rows" of "y of 3 rows".
std::string element(const std::string& what, std::size_t i, std::size_t count) {
  if (count == 1) return what;
  std::size_t end = what.size();
  for (const char* word : {" of ", " with ", " for ", " after "})
    end = std::min(end, what.find(word));
  return what.substr(0, end) + "[" + std::to_string(i) + "]" + what.substr(end);
}

}  // namespace

void Sheet::part(const std::string& name, double points, const std::function<void()>& check) {
  Finding finding{name, points, points, ""};
  try {
    check();
  } catch (const Blank& blank) {
    finding.advice = "Still blank: " + blank.what + ".";
  } catch (const Wrong& wrong) {
    finding.advice = wrong.advice;
  } catch (const Error& e) {
    finding.advice = e.what();
  }
  if (!finding.advice.empty()) finding.points = 0;
  findings_.push_back(finding);
}

void Sheet::bytes_moved(int64_t least, const std::function<void()>& check, const Allowed& allowed) {
  std::string note;
  bool elsewhere = false;
  part("bytes moved", allowed.points, [&] {
    const Traffic traffic = traffic_of(check);
    note = in_thousands(traffic.bytes) + ", least possible: " + in_thousands(least);
    elsewhere = traffic.bytes < least;
    expect(!elsewhere, "Only " + in_thousands(traffic.bytes) +
                           " bytes were read and written by kernels, and no kernel can do with "
                           "fewer than " +
                           in_thousands(least) + ": the work is done elsewhere.");
    expect(allowed.points == 0 || traffic.bytes <= allowed.bytes,
           in_thousands(allowed.bytes) + " would do; most are moved in " + traffic.line + ". " +
               allowed.advice);
  });
  findings_.back().note = note;
  if (elsewhere) win_nothing(findings_.back().advice);
  if (allowed.points == 0 && points() < most()) findings_.pop_back();
}

void Sheet::win_nothing(const std::string& advice) {
  for (Finding& f : findings_) {
    if (f.points > 0) f.advice = advice;
    f.points = 0;
  }
}

void Sheet::time(const std::function<void()>& run, const std::function<void()>& own) {
  if (points() < most()) return;
  set_threads(1);
  char text[99];
  std::snprintf(text, sizeof text, "%.3g ms, Tweed's own: %.3g ms", milliseconds(run),
                milliseconds(own));
  set_threads(0);
  findings_.push_back({"time on one core", 0, 0, "", text});
}

double Sheet::points() const {
  double sum = 0;
  for (auto& f : findings_) sum += f.points;
  return sum;
}
double Sheet::most() const {
  double sum = 0;
  for (auto& f : findings_) sum += f.most;
  return sum;
}

void expect(bool right, const std::string& advice) {
  if (!right) throw Wrong{advice};
}

void expect_equal(const std::string& what, const std::vector<float>& got,
                  const std::vector<double>& expected, double tolerance) {
  if (got.size() != expected.size())
    throw Wrong{what + " has " + std::to_string(got.size()) + " elements, not " +
                std::to_string(expected.size()) + "."};
  std::size_t first = got.size(), count = 0, missing = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    missing += is_unwritten(got[i]);
    if (std::abs(double(got[i]) - expected[i]) <= tolerance * std::max(1., std::abs(expected[i])))
      continue;
    if (count++ == 0) first = i;
  }
  if (count == 0) return;
  std::ostringstream text;
  const std::string which = element(what, first, got.size());
  if (missing == got.size() && !got.empty()) {
    text << "Nothing was written to " << what << ": the blank is still there.";
  } else if (is_unwritten(got[first])) {
    text << which << " was not written; it should be " << expected[first] << ". So are " << missing
         << " of " << got.size() << ".";
  } else {
    text << which << " is ";
    std::isnan(got[first]) ? text << "NaN" : text << got[first];
    text << ", and should be " << expected[first] << ".";
    if (got.size() > 1) text << " Wrong are " << count << " of " << got.size() << ".";
  }
  throw Wrong{text.str()};
}

namespace {
void run_on(Sim& sim, const std::function<void(Sim&)>& run) {
  const int64_t before = sim::launches;
  try {
    run(sim);
  } catch (const SimulatorError& e) {
    throw Wrong{std::string("The simulator says:\n") + e.what()};
  }
  expect(sim::launches > before,
         "No kernel was launched: the exercise is a kernel, and the host only calls launch().");
}
}  // namespace

void on_simulator(const std::function<void(Sim&)>& run) {
  Sim sim{.max_errors = 3, .count_banks = Counting::now};
  run_on(sim, run);
}

Conflicts conflicts_of(const std::function<void(Sim&)>& run, int64_t* accesses) {
  Sim sim{.max_errors = 3, .count_banks = true};
  sim::take_bank_counts();
  run_on(sim, run);
  Conflicts all;
  int64_t most = 0;
  for (auto& line : sim::take_bank_counts()) {
    if (accesses) *accesses += line.accesses;
    all.count += line.conflicts;
    if (line.conflicts <= most) continue;
    most = line.conflicts;
    all.line = line.line;
  }
  return all;
}

std::vector<float> numbers(std::size_t count, uint32_t seed) {
  Random random(seed, Purpose::test);
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(random.uniform(-1, 1));
  return values;
}

std::vector<float> unwritten(std::size_t count) {
  return std::vector<float>(count, unwritten_value);
}

}  // namespace tweed::exercise
