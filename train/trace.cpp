#include "train/trace.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "data/whole_file.h"
#include "kernels/machine/printable.h"
#include "kernels/machine/trace_notes.h"
#include "train/limits.h"

namespace tweed {

double TracedOperation::seconds() const {
  double sum = 0;
  for (auto& call : calls) sum += call.seconds;
  return sum;
}
int64_t TracedOperation::bytes() const {
  int64_t sum = 0;
  for (auto& call : calls) sum += call.bytes;
  return sum;
}

Trace::Trace() : thread_(std::this_thread::get_id()) { trace::begin(); }
Trace::~Trace() {
  if (running_ && std::this_thread::get_id() == thread_) trace::end();
}

void Trace::stop() {
  if (!running_) return;
  if (std::this_thread::get_id() != thread_)
    throw Error("[trace] stop() it on the thread that made it");
  running_ = false;
  trace::claim("other", "step");
  const trace::Notes notes = trace::end();
  seconds_ = notes.seconds;
  for (auto& o : notes.operations)
    operations_.push_back({o.name, o.phase, o.shapes, o.flops, {}, o.layer});
  for (auto& o : notes.forward)
    forward_.push_back({o.name, o.phase, o.shapes, o.flops, {}, o.layer});
  const auto names = trace::names_of(notes.calls);
  for (std::size_t i = 0; i < notes.calls.size(); ++i) {
    auto& call = notes.calls[i];
    if (call.operation < 0) continue;  // stopped within an operation that has not ended
    operations_[std::size_t(call.operation)].calls.push_back(
        {names[i], call.algorithm ? call.algorithm : "", call.begin, call.seconds, call.bytes});
  }
}

namespace {

struct Limits {
  explicit Limits(Device device) {
    if (device.kind() == Device::Kind::sim) return;  // a simulator is no measure of anything
    flops = peak_flops(device, DType::float32);
    CopyYardstick copy(device, int64_t(64) << 20);
    for (int i = 0; i < 5; ++i) bytes = std::max(bytes, copy.run());
  }
  double flops = 0, bytes = 0;  // a second; 0: unknown
};

// How near to the limit that is nearer: "96 % flops".
std::string share_of(const Limits& limits, const TracedOperation& o) {
  const double seconds = o.seconds();
  if (seconds <= 0 || limits.bytes <= 0) return "-";
  const double by_flops = o.flops / limits.flops / seconds,
               by_bytes = double(o.bytes()) / limits.bytes / seconds;
  return formatted("%3.0f %% %s", 100 * std::max(by_flops, by_bytes),
                   by_flops > by_bytes ? "flops" : "bytes");
}

std::string name_of(const TracedCall& call) {
  return call.algorithm.empty() ? call.name : call.algorithm + ": " + call.name;
}

std::string title_of(const TracedOperation& o) {
  return o.phase == "backward" ? o.name + " backward" : o.name;
}

// Calls of an operation with the same name, in the order of their first.
struct Group {
  std::string name;
  double seconds = 0;
  int count = 0;
};
std::vector<Group> groups_of(const TracedOperation& o) {
  std::vector<Group> groups;
  for (auto& call : o.calls) {
    const std::string name = name_of(call);
    auto same = [&](auto& g) { return g.name == name; };
    auto found = std::find_if(groups.begin(), groups.end(), same);
    if (found == groups.end()) found = groups.insert(found, {name});
    found->seconds += call.seconds;
    ++found->count;
  }
  return groups;
}

class Table {
 public:
  Table(Device device, double seconds, std::size_t width)
      : limits_(device), seconds_(seconds), width_(width) {}

  void head(const std::vector<TracedOperation>& operations) {
    std::size_t calls = 0;
    double sum = 0;
    for (auto& o : operations) calls += o.calls.size(), sum += o.seconds();
    line(formatted("%.1f ms, of which %.1f ms (%.0f %%) in %zu calls of kernels and libraries",
                   1e3 * seconds_, 1e3 * sum, 100 * sum / seconds_, calls));
    if (limits_.bytes > 0)
      line(formatted("limits: %.0f GFLOP/s in float32, %.1f GB/s read and written",
                     limits_.flops / 1e9, limits_.bytes / 1e9));
    line("most of it: " + largest(operations));
    line("");
    line("      ms  share       MB    of limit  operation");
  }
  void add(const TracedOperation& o) {
    if (o.phase != phase_) line(phase_ = o.phase);
    const auto groups = groups_of(o);
    const bool single = groups.size() == 1;
    line(formatted("%8.3f %4.1f %% %8.2f %11s  ", 1e3 * o.seconds(), 100 * o.seconds() / seconds_,
                   double(o.bytes()) / 1e6, share_of(limits_, o).c_str()) +
         printable(o.name));
    if (!o.shapes.empty()) line(std::string(10, ' ') + o.shapes);
    for (auto& g : groups) {
      const std::string times = g.count > 1 ? formatted("  (%d times)", g.count) : "";
      const std::string own = single ? std::string(8, ' ') : formatted("%8.3f", 1e3 * g.seconds);
      line(own + "  " + g.name + times);
    }
  }
  const std::string& text() const { return text_; }

 private:
  // "conv2d backward 62 %, conv2d 27 %, ...": operations of a name and phase together.
  std::string largest(const std::vector<TracedOperation>& operations) const {
    std::map<std::string, double> sums;
    for (auto& o : operations) sums[title_of(o)] += o.seconds();
    std::vector<std::pair<double, std::string>> order;
    for (auto& [name, seconds] : sums) order.push_back({seconds, name});
    std::sort(order.rbegin(), order.rend());
    std::string text;
    for (auto& [seconds, name] : order) {
      const std::string more = (text.empty() ? "" : ", ") + printable(name) +
                               formatted(" %.0f %%", 100 * seconds / seconds_);
      if (12 + text.size() + more.size() > width_) break;
      text += more;
    }
    return text;
  }
  void line(std::string text) {
    if (text.size() > width_) text = text.substr(0, width_ - 3) + "...";
    text_ += text + "\n";
  }

  Limits limits_;
  double seconds_;
  std::size_t width_;
  std::string phase_, text_;
};

}  // namespace

std::string Trace::table(Device device, int width) const {
  if (running_) throw Error("[trace] stop() comes before table()");
  Table table(device, seconds_, std::size_t(std::max(width, 40)));
  table.head(operations_);
  for (auto& o : operations_) table.add(o);
  return table.text();
}

std::string Trace::perfetto() const {
  using Json = nlohmann::ordered_json;
  struct Event {
    const TracedOperation* operation;
    const TracedCall* call;
  };
  std::vector<Event> events;
  for (auto& o : operations_)
    for (auto& call : o.calls) events.push_back({&o, &call});
  std::sort(events.begin(), events.end(),
            [](auto& a, auto& b) { return a.call->begin < b.call->begin; });

  Json all = Json::array();
  auto add = [&](const std::string& name, const std::string& kind, double begin, double seconds,
                 Json details) {
    all.push_back({{"name", name},
                   {"cat", kind},
                   {"ph", "X"},
                   {"ts", 1e6 * begin},
                   {"dur", 1e6 * seconds},
                   {"pid", 1},
                   {"tid", 1},
                   {"args", std::move(details)}});
  };
  add("step", "step", 0, seconds_, Json::object());
  for (std::size_t first = 0, last; first < events.size(); first = last) {
    // An operation's calls that follow each other; others may come between.
    const TracedOperation& o = *events[first].operation;
    for (last = first; last < events.size() && events[last].operation == &o;) ++last;
    const TracedCall& end = *events[last - 1].call;
    const double begin = events[first].call->begin;
    add(title_of(o), o.phase, begin, end.begin + end.seconds - begin,
        {{"shapes", o.shapes}, {"flops", o.flops}});
    for (std::size_t i = first; i < last; ++i) {
      const TracedCall& call = *events[i].call;
      add(name_of(call), "call", call.begin, call.seconds, {{"bytes", call.bytes}});
    }
  }
  return Json{{"traceEvents", all}, {"displayTimeUnit", "ms"}}.dump(
             1, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

// ---- TWEED_TRACE --------------------------------------------------------------------------------

namespace {

// What TWEED_TRACE asks for, until that is done.
class Wanted {
 public:
  Wanted() {
    const char* value = std::getenv("TWEED_TRACE");
    const std::string text = value ? value : "";
    table_ = text == "1";
    if (text.ends_with(".json")) path_ = text;
    if (!any() && !text.empty() && text != "0")
      std::fprintf(stderr, "TWEED_TRACE is 1 for a table or a name that ends in .json, not %s\n",
                   in_quotes(text).c_str());
  }
  ~Wanted() {
    if (any() && awaited_)
      std::fprintf(stderr, "TWEED_TRACE: training ended before its fourth step, which is traced\n");
  }
  bool any() const { return table_ || !path_.empty(); }
  void await() { awaited_ = any(); }

  void answer(const Trace& trace, Device device) {
    const std::string path = std::exchange(path_, "");
    if (std::exchange(table_, false))
      std::fprintf(stderr, "\n%s\n", trace.table(device, columns()).c_str());
    else
      write(trace, path);
  }

 private:
  // Of the terminal that stderr may be.
  static int columns() {
    winsize size{};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
  }
  // A trace that cannot be written is no reason to end a training run.
  static void write(const Trace& trace, const std::string& path) {
    try {
      WholeFile file(path);
      file.write(trace.perfetto());
      file.commit();
      std::fprintf(stderr, "TWEED_TRACE: %s is for https://ui.perfetto.dev\n",
                   printable(path).c_str());
    } catch (const std::exception& e) {
      std::fprintf(stderr, "TWEED_TRACE: %s\n", e.what());
    }
  }

  bool table_ = false, awaited_ = false;
  std::string path_;
};

Wanted& wanted() {
  static Wanted wanted;
  return wanted;
}

}  // namespace

void await_trace() { wanted().await(); }

void trace_if_wanted(Device device, const std::function<void()>& step) {
  if (!wanted().any()) return step();
  Trace trace;
  step();
  trace.stop();
  wanted().answer(trace, device);
}

}  // namespace tweed
