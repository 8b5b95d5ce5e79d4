#include "kernels/machine/sim/report.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include "kernels/machine/sim/film.h"
#include "kernels/machine/sim/state.h"
#include "kernels/machine/source_lines.h"

namespace tweed::sim {
namespace {

struct Finding {
  std::string text;
  std::vector<const void*> places;
};
std::vector<Finding> findings;
std::vector<std::pair<Bug, const void*>> seen;
std::size_t most_findings;

std::map<std::pair<const void*, std::string>, std::string> warned;  // by kernel and function
std::vector<std::string> launch_warnings;

// ---- from addresses to source

struct Frame {
  std::string file;  // "NAME.cu:LINE"
  bool machine;      // one of ours, not of the kernel's author
  bool shim;         // sim.h, of which nobody wants to know
};

Frame ours_or_theirs(const tweed::Frame& frame) {
  const std::string& place = frame.place;
  const bool machine = place.find("kernels/machine/") != std::string::npos;
  const bool shim = place.find("kernels/machine/sim/sim.h") != std::string::npos;
  return {place.substr(place.rfind('/') + 1), machine, shim};
}

// The kernel's line, and where in our headers that led to.
std::string place_text(const void* pc, const std::vector<Frame>& frames) {
  std::ostringstream text;
  if (frames.empty() || frames[0].file.compare(0, 2, "??") == 0) {
    text << "address " << pc << " (no line known: is addr2line, of Debian's binutils, installed?)";
    return text.str();
  }
  auto own = std::find_if(frames.begin(), frames.end(), [](auto& f) { return !f.machine; });
  if (own == frames.end()) return frames[0].file;
  text << own->file;
  auto ours = std::find_if(frames.begin(), own, [](auto& f) { return !f.shim; });
  if (ours != own) text << " (in " << ours->file << ")";
  return text.str();
}
std::vector<std::string> place_texts(const std::vector<const void*>& pcs) {
  std::vector<std::uintptr_t> addresses;
  // One less: a return address may already belong to the next line.
  for (auto pc : pcs) addresses.push_back(std::uintptr_t(pc) - 1);
  const auto found = frames_at(addresses);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < pcs.size(); ++i) {
    std::vector<Frame> frames;
    for (auto& frame : found[i]) frames.push_back(ours_or_theirs(frame));
    texts.push_back(place_text(pcs[i], frames));
  }
  return texts;
}
std::string kernel_name(const void* kernel) { return function_names({kernel})[0]; }

}  // namespace

std::string thread_name(uint32_t block, int thread) {
  const int x = int(block_size.x);
  return "block " + std::to_string(block) + " thread (" + std::to_string(thread % x) + "," +
         std::to_string(thread / x) + ")";
}

void start_report(int most) {
  findings.clear();
  seen.clear();
  launch_warnings.clear();
  most_findings = std::size_t(std::max(most, 1));
}
bool wanted(Bug bug, const void* pc) {
  const auto key = std::make_pair(bug, pc);
  if (findings.size() >= most_findings || std::find(seen.begin(), seen.end(), key) != seen.end())
    return false;
  seen.push_back(key);
  return true;
}
void add_finding(std::string text, std::vector<const void*> places) {
  findings.push_back({std::move(text), std::move(places)});
  if (filming) film_finding();
}

std::vector<std::string> source_lines(const std::vector<const void*>& pcs) {
  auto lines = place_texts(pcs);
  for (auto& line : lines) line = line.substr(0, line.find(" ("));
  return lines;
}

std::vector<std::string> finding_texts() {
  std::vector<const void*> pcs;
  for (auto& f : findings) pcs.insert(pcs.end(), f.places.begin(), f.places.end());
  const auto places = place_texts(pcs);
  auto place = places.begin();
  std::vector<std::string> texts;
  for (auto& f : findings) {
    std::string& text = texts.emplace_back();
    for (char c : f.text) c == '@' ? text += * place++ : text += c;
  }
  return texts;
}

void throw_findings(const void* kernel) {
  if (findings.empty()) return;
  std::string text = "[sim] in kernel " + kernel_name(kernel) + ":";
  for (auto& finding : finding_texts()) text += "\n  " + finding;
  findings.clear();
  throw SimulatorError(text);
}

std::vector<std::string> warnings() { return launch_warnings; }

// Called by a simulated thread, from code inlined into the kernel.
void warn_of_block(const char* function, const char* wanted) {
  const void* kernel = now.launch->kernel;
  auto [entry, first] = warned.try_emplace({kernel, function});
  std::string& text = entry->second;
  if (first) {
    text = std::string("[sim] ") + function + " at " +
           place_texts({__builtin_return_address(0)})[0] + " wants " + wanted + ", not " +
           std::to_string(block_size.x) + "x" + std::to_string(block_size.y) + " (kernel " +
           kernel_name(kernel) + ")";
    std::fprintf(stderr, "%s\n", text.c_str());
  }
  if (std::find(launch_warnings.begin(), launch_warnings.end(), text) == launch_warnings.end())
    launch_warnings.push_back(text);
}

}  // namespace tweed::sim
