// Sets training runs side by side, as a page and as a picture. See --help.
#include <filesystem>

#include "apps/app.h"
#include "kernels/machine/printable.h"
#include "record/report/comparison.h"
#include "record/report/page.h"
#include "record/run_files.h"

using namespace tweed;
using namespace tweed::app;

namespace {

struct Work {
  std::vector<std::string> runs;
  std::string page, picture;

  int run() const {
    if (runs.size() == 1) {
      write_report(runs[0]);
      say("wrote %s\n", printable(runs[0] + "/" + run_file::report).c_str());
      return 0;
    }
    write_comparison(page, runs);
    draw_comparison(picture, runs);
    for (auto& path : {page, picture}) say("wrote %s\n", printable(path).c_str());
    return 0;
  }
};

void check_is_run(const std::string& folder) {
  std::error_code none;
  for (auto name : {run_file::config, run_file::metrics})
    if (std::filesystem::exists(folder + "/" + name, none)) return;
  throw FormatError(folder, std::filesystem::exists(folder, none)
                                ? "is no run: it has neither config.json nor metrics.jsonl"
                                : "cannot be read: no such folder");
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("compare", [&]() -> std::function<int()> {
    CLI::App flags{
        "Sets training runs side by side: curves, time, memory, and what differs.\n\n"
        "  compare runs/im2col runs/direct                 compare.html and compare.png\n"
        "  compare runs/train                              makes its report.html again\n",
        "compare"};
    flags.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    Work work;
    std::string out = "compare";
    flags.add_option("runs", work.runs, "folders of runs")->required()->take_all();
    auto out_option =
        flags.add_option("--out", out, "writes OUT.html and OUT.png")->capture_default_str();
    parse(flags, argc, argv);
    for (auto& folder : work.runs) check_is_run(folder);
    if (work.runs.size() == 1 && out_option->count())
      throw Error("--out belongs to several runs: the report of one stays in its folder");
    work.page = out + ".html";
    work.picture = out + ".png";
    if (work.runs.size() > 1) check_output_file(work.page);
    return [work] { return work.run(); };
  });
}
