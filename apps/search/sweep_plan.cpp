#include "apps/search/sweep_plan.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "data/parse_json.h"
#include "data/read_file.h"
#include "kernels/machine/error.h"
#include "kernels/machine/printable.h"

namespace tweed::app {
namespace {

using nlohmann::ordered_json;
using Words = std::vector<std::string>;

constexpr std::size_t most_runs = 1000;

// Of which the sweep gives some itself, and others make no run.
constexpr const char* refused[] = {
    "--out",     "--resume", "--overwrite", "--evaluate", "-e",        "--summary",
    "--find-lr", "--check",  "--attack",    "-a",         "--vis",     "-v",
    "--help",    "-h",       "--config",    "--version",  "--help-all"};

// A flag and its value as they differ from run to run.
struct Setting {
  std::string flag;  // with dashes, or "data"
  Words values;      // none: it is not given
  bool bare = false;
  std::string text() const {
    if (bare) return "yes";
    std::string all;
    for (auto& v : values) all += (all.empty() ? "" : ",") + v;
    return all;
  }
};
using Settings = std::vector<Setting>;

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  SweepPlan read() {
    const std::string text = read_file(path_, most_text_bytes);
    constexpr int deepest = 5;
    parse_json(path_, text, deepest);  // refuses what is none
    const ordered_json all = ordered_json::parse(text);
    if (!all.is_object()) fail("is no object of \"flags\" and \"grid\" or \"runs\"");
    for (auto& [name, value] : all.items())
      if (name != "flags" && name != "grid" && name != "runs")
        fail("has " + in_quotes(name, 60) +
             ", but only \"flags\" and \"grid\" or \"runs\" are known");
    if (all.contains("grid") == all.contains("runs")) fail("needs either \"grid\" or \"runs\"");
    const Settings common = all.contains("flags") ? settings(all["flags"]) : Settings();
    const auto runs = all.contains("grid") ? of_grid(all["grid"]) : of_list(all["runs"]);
    return plan(common, runs);
  }

 private:
  struct Run {
    std::string name;  // empty: its settings make one
    Settings settings;
  };

  [[noreturn]] void fail(const std::string& what) const { throw FormatError(path_, what); }

  std::string flag_name(const std::string& key) const {
    if (key == "data") return key;
    const std::string flag = key.starts_with('-') ? key : (key.size() == 1 ? "-" : "--") + key;
    for (auto name : refused)
      if (flag == name) fail("gives " + flag + ", which is not for the runs of a sweep");
    const bool plain = flag.find_first_of(" =\t\n") == std::string::npos && flag.size() > 1;
    if (!plain) fail(in_quotes(key, 60) + " is no flag");
    return flag;
  }

  std::string word(const std::string& flag, const ordered_json& value) const {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number()) return value.dump();
    fail(flag + " has a value that is no number, text, list, true, false or null");
  }

  Setting setting(const std::string& key, const ordered_json& value) const {
    Setting s{flag_name(key), {}, false};
    if (value.is_null()) return s;
    if (value.is_boolean()) {
      s.bare = value.get<bool>();
      return s;
    }
    if (!value.is_array()) {
      s.values = {word(s.flag, value)};
      return s;
    }
    for (auto& v : value) s.values.push_back(word(s.flag, v));
    return s;
  }

  Settings settings(const ordered_json& object) const {
    if (!object.is_object()) fail("\"flags\" are an object: {\"epochs\": 3}");
    Settings all;
    for (auto& [key, value] : object.items()) all.push_back(setting(key, value));
    return all;
  }

  // The last flag changes fastest.
  std::vector<Run> of_grid(const ordered_json& grid) const {
    if (!grid.is_object() || grid.empty())
      fail("\"grid\" is an object of lists: {\"lr\": [0.01, 0.1]}");
    std::vector<Run> runs(1);
    for (auto& [key, values] : grid.items()) {
      if (!values.is_array() || values.empty())
        fail("the grid's " + in_quotes(key, 60) + " is no list");
      std::vector<Run> longer;
      if (runs.size() * values.size() > most_runs) fail("asks for more than 1000 runs");
      for (auto& run : runs)
        for (auto& value : values) {
          longer.push_back(run);
          longer.back().settings.push_back(setting(key, value));
        }
      runs = longer;
    }
    return runs;
  }

  std::vector<Run> of_list(const ordered_json& list) const {
    if (!list.is_array() || list.empty()) fail("\"runs\" is a list of objects: [{\"lr\": 0.1}]");
    if (list.size() > most_runs) fail("asks for more than 1000 runs");
    std::vector<Run> runs;
    for (auto& item : list) {
      if (!item.is_object()) fail("\"runs\" is a list of objects: [{\"lr\": 0.1}]");
      Run run;
      for (auto& [key, value] : item.items()) {
        if (key != "name") {
          run.settings.push_back(setting(key, value));
          continue;
        }
        if (!value.is_string() || folder_name(value) != value.get<std::string>())
          fail("a run's name is of letters, digits, '.', '-' and '_': it is a folder's");
        run.name = value;
      }
      runs.push_back(run);
    }
    return runs;
  }

  static std::string plain(const std::string& text) {
    std::string name;
    for (char c : text) {
      const bool kept = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                        (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_';
      name += kept ? c : '-';
    }
    return name;
  }

  // Neither hidden nor like a flag.
  static std::string folder_name(const std::string& text) {
    std::string name = plain(text);
    while (name.starts_with('.') || name.starts_with('-')) name.erase(0, 1);
    return name;
  }

  // "lr-0.1_optimizer-adam"
  static std::string made_name(const Settings& settings) {
    std::string name;
    for (auto& s : settings) {
      if (!s.bare && s.values.empty()) continue;
      name += (name.empty() ? "" : "_") + folder_name(s.flag);
      if (!s.bare) name += "-" + plain(s.text());
    }
    constexpr std::size_t longest = 100;
    return name.empty() ? "plain" : name.substr(0, longest);
  }

  static void add_words(Words& words, const Setting& s) {
    if (s.flag == "data") return;
    if (s.bare) words.push_back(s.flag);
    for (auto& v : s.values) {
      if (s.flag.starts_with("--")) {
        words.push_back(s.flag + "=" + v);
      } else {
        words.push_back(s.flag);
        words.push_back(v);
      }
    }
  }

  SweepPlan plan(const Settings& common, const std::vector<Run>& runs) const {
    SweepPlan plan;
    auto named = [](const Settings& list, const std::string& flag) {
      return std::find_if(list.begin(), list.end(), [&](auto& s) { return s.flag == flag; });
    };
    for (auto& run : runs)
      for (auto& s : run.settings)
        if (std::find(plan.columns.begin(), plan.columns.end(), s.flag) == plan.columns.end())
          plan.columns.push_back(s.flag);
    std::set<std::string> taken;
    for (auto& run : runs) {
      Settings all;  // a run's own instead of the common ones
      for (auto& s : common)
        if (named(run.settings, s.flag) == run.settings.end()) all.push_back(s);
      all.insert(all.end(), run.settings.begin(), run.settings.end());
      PlannedRun planned;
      for (auto& s : all) add_words(planned.words, s);
      if (const auto data = named(all, "data"); data != all.end() && !data->values.empty()) {
        planned.words.push_back("--");
        planned.words.push_back(data->values[0]);
      }
      for (auto& flag : plan.columns) {
        const auto own = named(all, flag);
        planned.differing.push_back(own == all.end() ? "" : own->text());
      }
      const std::string name = run.name.empty() ? made_name(run.settings) : run.name;
      planned.name = name;
      for (int i = 2; !taken.insert(planned.name).second; ++i) {
        if (!run.name.empty()) fail("has two runs called " + run.name);
        planned.name = name + "-" + std::to_string(i);
      }
      plan.runs.push_back(planned);
    }
    return plan;
  }

  std::string path_;
};

}  // namespace

SweepPlan read_sweep(const std::string& path) { return Reader(path).read(); }

}  // namespace tweed::app
