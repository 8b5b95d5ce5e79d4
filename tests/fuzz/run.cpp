// A run's folder, as report.html and compare read it: six files, with form feeds between them.
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "record/report/run_data.h"
#include "record/run_files.h"
#include "tests/fuzz/fuzz.h"

using namespace tweed;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  static const std::string folder = [] {
    const std::string first = fuzz::put("x", "");
    const std::string made = first.substr(0, first.size() - 1) + "run";
    if (mkdir(made.c_str(), 0700)) abort();
    return made;
  }();
  std::string_view rest = text_of(data, size);
  for (const char* name : {run_file::config, run_file::metrics, run_file::iterations,
                           run_file::layers, run_file::validation, run_file::profile})
    fuzz::put(std::string("run/") + name, fuzz::take_part(rest));
  fuzz::expect_value_or_error([&] { read_run(folder).dump(); });
  return 0;
}
