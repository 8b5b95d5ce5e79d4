#include "record/report/page.h"

#include <nlohmann/json.hpp>

#include "record/report/html.h"
#include "record/report/run_data.h"
#include "record/run_files.h"

namespace tweed {
namespace embedded {  // record/report/*.css and *.js
extern const char *const page_css,
    *const elements_js, *const charts_js, *const common_js, *const report_js, *const writeup_js,
                                                                                  *const compare_js;
}

using nlohmann::json;

void write_report(const std::string& folder) {
  const json run = read_run(folder);
  const json model = run["config"].value("model", json());
  const std::string title =
      run["name"].get<std::string>() + (model.is_string() ? " - " + model.get<std::string>() : "");
  write_page(folder + "/" + run_file::report,
             html_page(title, {embedded::page_css},
                       {embedded::elements_js, embedded::charts_js, embedded::common_js,
                        embedded::writeup_js, embedded::report_js},
                       {{"written", utc_now()}, {"runs", {run}}}));
}

void write_comparison(const std::string& path, const std::vector<std::string>& folders) {
  json runs = json::array();
  std::string title;
  for (auto& folder : folders) {
    runs.push_back(read_run(folder));
    title += (title.empty() ? "" : ", ") + runs.back()["name"].get<std::string>();
  }
  write_page(path, html_page(title, {embedded::page_css},
                             {embedded::elements_js, embedded::charts_js, embedded::common_js,
                              embedded::compare_js},
                             {{"written", utc_now()}, {"runs", runs}}));
}

}  // namespace tweed
