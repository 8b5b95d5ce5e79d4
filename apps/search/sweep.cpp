// Trains many runs that differ in their flags, and sets them side by side. See --help.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/app.h"
#include "apps/json_output.h"
#include "apps/numbers.h"
#include "apps/processes.h"
#include "apps/search/child.h"
#include "apps/search/sweep_plan.h"
#include "data/parse_json.h"
#include "data/read_file.h"
#include "data/whole_file.h"
#include "kernels/machine/printable.h"
#include "record/metrics.h"
#include "record/report/comparison.h"
#include "record/report/page.h"
#include "record/run_files.h"

using namespace tweed;
using namespace tweed::app;
namespace fs = std::filesystem;
using Words = std::vector<std::string>;

namespace {

// What a run has come to.
struct Result {
  std::string status = "not begun";
  int64_t epoch = 0;  // the best, whose figures these are
  double top1 = NAN, top5 = NAN, loss = NAN, seconds = NAN;
};

struct Sweep {
  SweepPlan plan;
  std::string file, out, program;
  int jobs = 1;
  std::map<std::size_t, int> failed;    // exit codes
  std::shared_ptr<ProcessGroup> group;  // each trains some of the runs; null: this one all

  std::string folder(std::size_t i) const { return out + "/" + plan.runs[i].name; }
  nlohmann::json config(std::size_t i) const;
  std::string status(std::size_t i) const;
  bool is_done(std::size_t i) const;
  bool leads() const { return !group || group->leads(); }
  void check() const;
  int run();

 private:
  Words command(std::size_t i) const;
  bool has_logs() const { return jobs > 1 || group; }
  std::vector<std::size_t> waiting() const;
  std::vector<std::size_t> own(const std::vector<std::size_t>& all) const;
  void wait_for_others();
  void train(const std::vector<std::size_t>& waiting);
  void say_end(std::size_t i, int code);
  Result result(std::size_t i) const;
  void write_table(bool print) const;
  void write_comparison_of_all() const;
};

// An object in any case.
nlohmann::json Sweep::config(std::size_t i) const {
  constexpr int deepest = 6;
  try {
    const std::string path = folder(i) + "/" + run_file::config;
    auto config = parse_json(path, read_file(path, most_text_bytes), deepest);
    if (config.is_object()) return config;
  } catch (const Error&) {
  }
  return nlohmann::json::object();
}

std::string Sweep::status(std::size_t i) const {
  const auto all = config(i);
  const auto found = all.find("status");
  return found != all.end() && found->is_string() ? found->get<std::string>() : "";
}

// One whose loss was no longer finite would come to the same again.
bool Sweep::is_done(std::size_t i) const {
  const std::string now = status(i);
  return now == "finished" || now == "failed";
}

Words without_out(const Words& words) {
  Words rest;
  for (auto& word : words)
    if (!word.starts_with("--out=")) rest.push_back(word);
  return rest;
}

// Wrong flags are found before the first run begins, and so are folders that hold other runs.
void Sweep::check() const {
  std::string first;
  int wrong = 0;
  for (std::size_t i = 0; i < plan.runs.size() && !interrupted(); ++i) {
    const auto& [name, words, differing] = plan.runs[i];
    const auto before = config(i);
    const auto commands = before.find("commands");
    if (commands != before.end() && commands->is_array() && !commands->empty()) {
      if (without_out((*commands)[0].get<Words>()) != words)
        throw Error(printable(folder(i)) + " was trained with other flags than " + printable(file) +
                    " gives it now; name another --out");
      continue;
    }
    Words command{program, "--check"};
    command.insert(command.end(), words.begin(), words.end());
    std::string said;
    if (run_quietly(command, said) == 0) continue;
    if (wrong++) continue;
    while (said.ends_with('\n')) said.pop_back();
    said = said.substr(said.rfind('\n') + 1);
    const std::string prefix = fs::path(program).filename().string() + ": ";
    first = name + ": " + (said.starts_with(prefix) ? said.substr(prefix.size()) : said);
    if (said.empty()) first = name + ": " + program + " cannot be started";
  }
  if (interrupted()) throw Error("stopped");
  if (wrong)
    throw Error(
        "no run is begun: " + first +
        (wrong > 1 ? " (and " + counted(wrong - 1, "more run") + " with wrong flags)" : ""));
}

Words Sweep::command(std::size_t i) const {
  std::error_code none;
  if (fs::exists(folder(i) + "/" + run_file::state, none))
    return {program, "--resume=" + folder(i)};
  Words words{program, "--out=" + folder(i)};
  words.insert(words.end(), plan.runs[i].words.begin(), plan.runs[i].words.end());
  return words;
}

void Sweep::say_end(std::size_t i, int code) {
  if (code != 0 && !interrupted()) {
    failed[i] = code;
    say_error("note: %s ended with exit code %d%s; the next goes on\n",
              printable(plan.runs[i].name).c_str(), code,
              has_logs() ? (", see " + printable(folder(i)) + ".log").c_str() : "");
  }
  if (has_logs() && code == 0) say("%s: done\n", printable(plan.runs[i].name).c_str());
  if (leads()) write_table(false);
}

// As many at a time as there are jobs. After Ctrl-C all that run are told once, and waited for:
// they save what they have.
void Sweep::train(const std::vector<std::size_t>& waiting) {
  std::vector<std::pair<std::size_t, Child>> running;
  std::size_t next = 0;
  bool told = false;
  while (!running.empty() || (next < waiting.size() && !interrupted())) {
    while (int(running.size()) < jobs && next < waiting.size() && !interrupted()) {
      const std::size_t i = waiting[next++];
      const Words words = command(i);
      say("\n[%zu/%zu] %s%s\n", next, waiting.size(), printable(plan.runs[i].name).c_str(),
          words[1].starts_with("--resume=") ? ", which goes on" : "");
      running.emplace_back(i, Child(words, has_logs() ? folder(i) + ".log" : ""));
    }
    if (interrupted() && !told) {
      for (auto& [i, child] : running) child.send(SIGINT);
      told = true;
    }
    for (auto at = running.begin(); at != running.end();) {
      const auto code = at->second.ended();
      if (!code) {
        ++at;
        continue;
      }
      const std::size_t i = at->first;
      at = running.erase(at);
      say_end(i, *code);
    }
    ::usleep(20'000);
  }
}

Result Sweep::result(std::size_t i) const {
  Result r;
  if (const std::string now = status(i); !now.empty()) r.status = now;
  // What was killed has had no time to say so.
  if (const auto code = failed.find(i); code != failed.end() && r.status != "failed")
    r.status = "exit code " + std::to_string(code->second);
  const auto all = config(i);
  if (const auto found = all.find("seconds"); found != all.end() && found->is_number())
    r.seconds = *found;
  try {
    const std::string path = folder(i) + "/" + run_file::metrics;
    const auto top1 = read_metric(path, "val_top1"), top5 = read_metric(path, "val_top5"),
               loss = read_metric(path, "val_loss");
    const auto best = std::size_t(std::max_element(top1.begin(), top1.end()) - top1.begin());
    if (best >= std::min({top1.size(), top5.size(), loss.size()})) return r;
    r.epoch = int64_t(best) + 1;
    r.top1 = top1[best];
    r.top5 = top5[best];
    r.loss = loss[best];
  } catch (const Error&) {  // no epoch is done
  }
  return r;
}

std::string number(const char* format, double value) {
  char text[40];
  if (!std::isfinite(value)) return "-";
  std::snprintf(text, sizeof text, format, value);
  return text;
}

using Rows = std::vector<Words>;

// A bar within a cell would end it.
std::string markdown(const Rows& rows) {
  std::string text;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    text += "|";
    for (auto& cell : rows[k]) {
      text += " ";
      for (char c : printable(cell, 200)) text += c == '|' ? std::string("\\|") : std::string(1, c);
      text += " |";
    }
    text += "\n";
    if (k > 0) continue;
    text += "|";
    for (std::size_t c = 0; c < rows[0].size(); ++c) text += "---|";
    text += "\n";
  }
  return text;
}

void print(const Rows& rows) {
  std::vector<int> widths(rows[0].size());
  for (auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c)
      widths[c] = std::max(widths[c], columns_of(printable(row[c], 60)));
  for (auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string cell = printable(row[c], 60);
      line += cell;
      if (c + 1 < row.size()) line.append(std::size_t(widths[c] - columns_of(cell) + 2), ' ');
    }
    say("%s\n", line.c_str());
  }
}

void write(const std::string& path, const std::string& text) {
  WholeFile file(path);
  file.write(text);
  file.commit(false);
}

// The best first; those without figures last.
void Sweep::write_table(bool shown) const {
  std::vector<std::pair<std::size_t, Result>> order;
  for (std::size_t i = 0; i < plan.runs.size(); ++i) order.emplace_back(i, result(i));
  auto worth = [](const Result& r) { return std::isfinite(r.top1) ? r.top1 : -1; };
  std::stable_sort(order.begin(), order.end(),
                   [&](auto& a, auto& b) { return worth(a.second) > worth(b.second); });
  Rows rows{{"run"}};
  for (auto& flag : plan.columns) rows[0].push_back(flag == "data" ? "DATA" : flag);
  for (auto head : {"top-1 %", "top-5 %", "loss", "seconds", "status"}) rows[0].push_back(head);
  Json runs = Json::array();
  for (auto& [i, r] : order) {
    const PlannedRun& run = plan.runs[i];
    Words row{run.name};
    row.insert(row.end(), run.differing.begin(), run.differing.end());
    for (auto& cell : {number("%.2f", r.top1), number("%.2f", r.top5), number("%.4f", r.loss),
                       number("%.1f", r.seconds), r.status})
      row.push_back(cell);
    rows.push_back(row);
    Json flags = Json::object();
    for (std::size_t c = 0; c < plan.columns.size(); ++c) flags[plan.columns[c]] = run.differing[c];
    runs.push_back({{"name", run.name},
                    {"folder", folder(i)},
                    {"flags", flags},
                    {"status", r.status},
                    {"epoch", r.epoch},
                    {"top1", json_number(r.top1)},
                    {"top5", json_number(r.top5)},
                    {"loss", json_number(r.loss)},
                    {"seconds", json_number(r.seconds)}});
  }
  const Json all{{"sweep", file}, {"runs", runs}};
  write(out + "/sweep.json", all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  write(out + "/sweep.md", markdown(rows));
  if (shown) print(rows);
}

void Sweep::write_comparison_of_all() const {
  Words folders;
  for (std::size_t i = 0; i < plan.runs.size(); ++i)
    if (result(i).epoch > 0) folders.push_back(folder(i));
  if (folders.size() < 2) return;
  write_comparison(out + "/compare.html", folders);
  draw_comparison(out + "/compare.png", folders);
}

// As the first process sees it, for the others begin runs meanwhile.
std::vector<std::size_t> Sweep::waiting() const {
  std::string list;
  for (std::size_t i = 0; i < plan.runs.size(); ++i)
    if (leads() && !is_done(i)) list += std::to_string(i) + " ";
  if (group) list = group->broadcast(list);
  std::istringstream numbers(list);
  return {std::istream_iterator<std::size_t>(numbers), {}};
}

// Every process has one run after another of those that are left.
std::vector<std::size_t> Sweep::own(const std::vector<std::size_t>& all) const {
  if (!group) return all;
  std::vector<std::size_t> some;
  for (auto i = std::size_t(group->rank()); i < all.size(); i += std::size_t(group->size()))
    some.push_back(all[i]);
  return some;
}

// The table is of all runs, and of what became of those that failed elsewhere.
void Sweep::wait_for_others() {
  std::string codes;
  for (auto& [i, code] : failed) codes += std::to_string(i) + " " + std::to_string(code) + " ";
  std::string all;
  for (auto& part : group->gather(codes)) all += part;
  std::istringstream numbers(all);
  for (std::size_t i, code; numbers >> i >> code;) failed[i] = int(code);
}

int Sweep::run() {
  const std::vector<std::size_t> left = waiting();
  const std::size_t done = plan.runs.size() - left.size();
  say("%s in %s%s\n", counted(int64_t(plan.runs.size()), "run").c_str(), printable(out).c_str(),
      done ? (", of which " + std::to_string(done) + " are done already").c_str() : "");
  if (group)
    say("%d processes train one each (%s); what they print is in %s/NAME.log\n", group->size(),
        group->engine().c_str(), printable(out).c_str());
  if (leads()) write_table(false);
  train(own(left));
  if (group) wait_for_others();
  if (!leads()) return interrupted() ? 130 : 0;
  write_comparison_of_all();
  say("\n");
  write_table(true);
  Words files;
  for (auto name : {"sweep.md", "sweep.json", "compare.html", "compare.png"})
    if (fs::exists(out + "/" + name)) files.push_back(name);
  say("\nThe same is in %s: %s\n", printable(out).c_str(), joined(files).c_str());
  if (interrupted()) {
    say("Stopped; the same command goes on.\n");
    return 130;
  }
  for (std::size_t i = 0; i < plan.runs.size(); ++i)
    if (status(i) != "finished") return 1;
  return 0;
}

// Processes that read other files would take each other's runs for their own.
void check_same_runs(const Sweep& sweep) {
  std::string all;
  for (auto& [name, words, differing] : sweep.plan.runs)
    for (auto& word : words) all += word + '\n';
  check_agreement(*sweep.group, {{"list of runs", counted(int64_t(sweep.plan.runs.size()), "run") +
                                                      ", digest " + digest(all.data(), all.size())},
                                 {"value of --out", sweep.out}});
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App flags(
      "Trains one run for each combination of flags, and sets them side by side.\n\n"
      "  sweep lr.json                  with {\"flags\": {\"data\": \"tiny\", \"epochs\": 3}, "
      "\"grid\": {\"lr\": [0.02, 0.1]}}\n"
      "  sweep lr.json                  again: goes on where it was stopped, passes over what is "
      "done\n"
      "  mpirun -n 4 sweep lr.json      on four devices: each process trains one run at a time\n",
      "sweep");
  flags.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  auto sweep = std::make_shared<Sweep>();
  sweep->program = program_beside("train_miniplaces");
  flags
      .add_option(
          "file", sweep->file,
          "a JSON file: \"flags\" of all runs, and a \"grid\" of lists or \"runs\", a list of "
          "flags (docs/runs.md)")
      ->type_name("FLAGS.json")
      ->required();
  flags.add_option("--out", sweep->out,
                   "folder for the runs, a folder each; default: runs/ and the file's name");
  add_whole(flags, "--jobs", sweep->jobs, {1, 64},
            "runs at a time; more than one print into a file of their own, NAME.log");
  flags.add_option("--program", sweep->program,
                   "what trains: a program of yours that calls train_main; default: "
                   "train_miniplaces");
  sweep->group = join_processes();
  parse(flags, argc, argv);
  sweep->plan = read_sweep(sweep->file);
  if (sweep->out.empty()) sweep->out = "runs/" + fs::path(sweep->file).stem().string();
  if (sweep->group) check_same_runs(*sweep);
  if (sweep->group) give_own_devices_to_children(*sweep->group);
  if (sweep->leads()) {
    sweep->check();
    make_output_folder(sweep->out);
  }
  return [sweep] { return sweep->run(); };
}

}  // namespace

int main(int argc, char** argv) {
  const int code = app::run("sweep", [&] { return prepare(argc, argv); });
  leave_processes();
  return code;
}
