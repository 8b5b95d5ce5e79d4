#include "record/movie/movie_page.h"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "data/read_file.h"
#include "kernels/machine/printable.h"
#include "record/movie/steps.h"
#include "record/report/html.h"

namespace tweed {
namespace embedded {  // record/report/ and record/movie/
extern const char *const page_css, *const elements_js, *const movie_css, *const movie_js,
                                                                             *const panels_js;
}

namespace {

using nlohmann::json;

constexpr uint64_t most_source_bytes = 200'000;

/// "a/b.cu:12" in two.
struct FileLine {
  std::string file;
  int line = 0;
};
FileLine place_of(const Frame& frame) {
  const auto colon = frame.place.rfind(':');
  if (colon == std::string::npos || frame.place.compare(0, 2, "??") == 0) return {};
  // "build/../kernels/mma.cu": a build's folder may be gone.
  const std::filesystem::path file(frame.place.substr(0, colon));
  return {file.lexically_normal().string(), std::atoi(frame.place.c_str() + colon + 1)};
}
std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }
bool is_in(const FileLine& place, const char* folder) {
  return place.file.find(folder) != std::string::npos;
}

/// The files that lines belong to, by number.
class Files {
 public:
  int number(const std::string& path) {
    const auto [entry, first] = numbers_.try_emplace(path, int(paths_.size()));
    if (first) paths_.push_back(path);
    return entry->second;
  }
  // Without its folder, which is nobody's business who gets the page.
  json data() const {
    json all = json::array();
    for (auto& path : paths_) all.push_back({{"name", base_name(path)}, {"lines", lines(path)}});
    return all;
  }

 private:
  static json lines(const std::string& path) {
    try {
      std::istringstream file(read_file(path, most_source_bytes));
      json all = json::array();
      for (std::string line; std::getline(file, line);) all.push_back(line);
      return all;
    } catch (const Error&) {  // too large, or the program runs elsewhere than it was built
      return nullptr;
    }
  }
  std::map<std::string, int> numbers_;
  std::vector<std::string> paths_;
};

const char* name_of(sim::Act act) {
  switch (act) {
    case sim::Act::end:
      return "end";
    case sim::Act::read:
      return "read";
    case sim::Act::write:
      return "write";
    case sim::Act::atomic:
      return "atomic";
    case sim::Act::barrier:
      return "barrier";
    case sim::Act::warp:
      return "warp";
    case sim::Act::other:
      return "other";
    case sim::Act::died:
      return "died";
  }
  return "";
}
const char* name_of(sim::Space space) {
  switch (space) {
    case sim::Space::none:
      return "";
    case sim::Space::global:
      return "global";
    case sim::Space::static_shared:
      return "static";
    case sim::Space::dynamic_shared:
      return "dynamic";
    case sim::Space::outside:
      return "outside";
  }
  return "";
}

// The lines of the kernel's author, innermost first, and where in our headers they led to.
json site_data(const sim::MovieSite& site, Files& files) {
  json places = json::array();
  std::string inside;
  for (auto& frame : site.frames) {
    const FileLine place = place_of(frame);
    if (place.line < 1 || is_in(place, "kernels/machine/sim/")) continue;
    if (is_in(place, "kernels/machine/")) {
      if (places.empty() && inside.empty())
        inside = base_name(place.file) + ":" + std::to_string(place.line);
      continue;
    }
    const json next = {files.number(place.file), place.line};
    if (places.empty() || places.back() != next) places.push_back(next);
  }
  json data = {{"what", site.what}, {"act", name_of(site.act)}, {"places", places}};
  if (!inside.empty()) data["inside"] = inside;
  if (site.space != sim::Space::none) {
    data["space"] = name_of(site.space);
    data["bytes"] = site.bytes;
  }
  if (site.argument) data["argument"] = site.argument;
  return data;
}

// Of the lanes that take part, in their order: [[first, step]] where they lie evenly.
json offsets_of(const WarpStep& step) {
  std::vector<int64_t> offsets;
  for (std::size_t lane = 0; lane < 32; ++lane)
    if (step.lanes >> lane & 1) offsets.push_back(step.offsets[lane]);
  const int64_t away = offsets.size() > 1 ? offsets[1] - offsets[0] : 0;
  for (std::size_t i = 1; i < offsets.size(); ++i)
    if (offsets[i] - offsets[i - 1] != away) return offsets;
  return json::array({json::array({offsets[0], away})});
}

// [warp, site, lanes] and for memory the offsets, and what they cost: wavefronts and conflicts, or
// sectors touched and needed.
json step_data(const sim::Movie& movie, const WarpStep& step) {
  json data = {step.warp, step.site, step.lanes};
  const sim::Space space = movie.sites[step.site].space;
  if (space == sim::Space::none) return data;
  data.push_back(offsets_of(step));
  if (space == sim::Space::global) {
    data.push_back(step.sectors.touched);
    data.push_back(step.sectors.needed);
  } else if (space != sim::Space::outside) {
    data.push_back(step.fronts.taken);
    data.push_back(step.fronts.conflicts);
  }
  return data;
}

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 < words.size() ? ", " : " and ") + words[i];
  return text;
}

std::string blocks_named(const std::vector<std::string>& numbers) {
  return (numbers.size() == 1 ? "block " : "blocks ") + listed(numbers);
}

json left_out(const sim::Movie& movie) {
  json sentences = json::array();
  std::vector<std::string> kept, cut;
  for (auto& block : movie.blocks) {
    kept.push_back(std::to_string(block.index));
    if (block.cut) cut.push_back(kept.back());
  }
  if (int64_t(kept.size()) < movie.config.grid)
    sentences.push_back("The movie has " + blocks_named(kept) + " of the grid's " +
                        std::to_string(movie.config.grid) + ".");
  if (!cut.empty())
    sentences.push_back("Of each thread the first " + std::to_string(movie.most_events) +
                        " accesses and meetings are kept; in " + blocks_named(cut) +
                        " threads did more, which the movie leaves out.");
  return sentences;
}

}  // namespace

json movie_data(const sim::Movie& movie) {
  Files files;
  json sites = json::array(), blocks = json::array(), arguments = json::array();
  for (auto& site : movie.sites) sites.push_back(site_data(site, files));
  for (auto& a : movie.arguments)
    arguments.push_back({{"argument", a.argument},
                         {"elements", a.bytes / a.element},
                         {"bytes", a.element},
                         {"writable", a.writable}});
  std::vector<json> findings;
  for (auto& finding : movie.findings)
    findings.push_back({{"text", finding.text},
                        {"block", finding.block},
                        {"thread", finding.thread},
                        {"at", nullptr}});
  for (std::size_t b = 0; b < movie.blocks.size(); ++b) {
    json steps = json::array();
    for (auto& step : steps_of(movie, movie.blocks[b])) {
      for (int finding : step.findings) findings[std::size_t(finding)]["at"] = {b, steps.size()};
      steps.push_back(step_data(movie, step));
    }
    blocks.push_back({{"index", movie.blocks[b].index}, {"steps", steps}});
  }
  return {{"kernel", movie.kernel},
          {"grid", movie.config.grid},
          {"block", {movie.config.block.x, movie.config.block.y}},
          {"shared", movie.config.shared},
          {"arguments", arguments},
          {"files", files.data()},
          {"sites", sites},
          {"blocks", blocks},
          {"findings", findings},
          {"leftOut", left_out(movie)},
          {"written", utc_now()}};
}

void write_movie(const std::string& path, const sim::Movie& movie) {
  write_page(path, html_page(movie.kernel + ": movie", {embedded::page_css, embedded::movie_css},
                             {embedded::elements_js, embedded::panels_js, embedded::movie_js},
                             movie_data(movie)));
}

namespace {

void check_page_file(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code none;
  if (path.empty() || path.ends_with('/') || fs::is_directory(path, none))
    throw Error("--movie names a file, not " + in_quotes(path) + ", which is a folder");
  const fs::path folder = fs::path(path).parent_path();
  if (!folder.empty() && !fs::is_directory(folder, none))
    throw Error("--movie " + printable(path) + ": there is no folder " +
                printable(folder.string()));
  if (fs::is_regular_file(path, none) && fs::file_size(path, none) > 0 &&
      InputFile(path).head(15) != "<!doctype html>")
    throw Error("--movie " + printable(path) +
                " is a file that is no web page: it is not replaced");
}

std::string wanted_kernel;

std::string said_of(const sim::Movie& movie, const std::string& path) {
  auto counted = [](std::size_t n, const char* thing) {
    return std::to_string(n) + " " + thing + (n == 1 ? "" : "s");
  };
  std::string text = "movie: " + printable(path) + ", " + movie.kernel + ", " +
                     counted(movie.blocks.size(), "block") + " of " +
                     std::to_string(movie.config.grid);
  if (!movie.findings.empty()) text += ", " + counted(movie.findings.size(), "finding");
  return text;
}

}  // namespace

void film_to(const std::string& path, const std::string& kernel,
             const std::function<void(const std::string&)>& say) {
  check_page_file(path);
  wanted_kernel = kernel;
  sim::film_next(kernel, [path, say](const sim::Movie& movie) {
    write_movie(path, movie);
    say(said_of(movie, path));
  });
}

std::string why_no_movie() {
  if (!sim::waiting_for_film()) return "";
  const auto kernels = sim::stop_waiting_for_film();
  if (kernels.empty()) return "there is no movie: no kernel ran on the simulator";
  return "there is no movie: no kernel with " + in_quotes(wanted_kernel) +
         " in its name ran, but " + listed(kernels);
}

}  // namespace tweed
