// A run's folder, as report.html and compare read it: six files, with form feeds between them.
// Where the first byte is a 'd', the picture of compare is drawn, too.
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "record/report/comparison.h"
#include "record/report/run_data.h"
#include "record/run_files.h"
#include "tests/fuzz/fuzz.h"

using namespace tweed;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  static const std::string folder = [] {
    const std::string first = fuzz::put("x", "");
    const std::string made = first.substr(0, first.size() - 1) + "run";
    if (mkdir(made.c_str(), 0700)) abort();
    return made;
  }();
  std::string_view rest = text_of(data + 1, size - 1);
  for (const char* name : {run_file::config, run_file::metrics, run_file::iterations,
                           run_file::layers, run_file::validation, run_file::profile})
    fuzz::put(std::string("run/") + name, fuzz::take_part(rest));
  fuzz::expect_value_or_error([&] { read_run(folder).dump(); });
  if (data[0] == 'd')
    fuzz::expect_value_or_error([&] { draw_comparison(folder + "/drawn.png", {folder, folder}); });
  return 0;
}
