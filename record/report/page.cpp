#include "record/report/page.h"

#include <ctime>
#include <nlohmann/json.hpp>

#include "data/whole_file.h"
#include "record/report/run_data.h"
#include "record/run_files.h"

namespace tweed {
namespace embedded {  // record/report/*.css and *.js
extern const char *const page_css,
    *const charts_js, *const common_js, *const report_js, *const writeup_js, *const compare_js;
}

namespace {

using nlohmann::json;

// A browser ends a script at "</script", wherever that stands: no "<" is left.
std::string for_script(const json& data) {
  const std::string text = data.dump(-1, ' ', false, json::error_handler_t::replace);
  std::string safe;
  safe.reserve(text.size());
  for (char c : text)
    if (c == '<')
      safe += "\\u003c";
    else
      safe += c;
  return safe;
}

std::string for_html(const std::string& text) {
  std::string safe;
  for (char c : text) {
    if (c == '<')
      safe += "&lt;";
    else if (c == '&')
      safe += "&amp;";
    else
      safe += c;
  }
  return safe;
}

// The policy lets nothing in from outside, whatever a name or a picture may hold.
std::string page(const std::string& title, const std::vector<const char*>& scripts,
                 const json& data) {
  std::string html =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n<title>" +
      for_html(title) + "</title>\n<style>\n" + embedded::page_css + "</style>\n</head>\n<body>\n" +
      "<noscript>This page draws its curves by JavaScript, which is off here.</noscript>\n" +
      "<script type=\"application/json\" id=\"data\">" + for_script(data) + "</script>\n";
  for (const char* script : scripts) html += std::string("<script>\n") + script + "</script>\n";
  return html + "</body>\n</html>\n";
}

std::string utc() {
  char text[32];
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

void write(const std::string& path, const std::string& text) {
  WholeFile file(path);
  file.write(text);
  file.commit(false);
}

}  // namespace

void write_report(const std::string& folder) {
  const json run = read_run(folder);
  const json model = run["config"].value("model", json());
  const std::string title =
      run["name"].get<std::string>() + (model.is_string() ? " - " + model.get<std::string>() : "");
  write(folder + "/" + run_file::report,
        page(title,
             {embedded::charts_js, embedded::common_js, embedded::writeup_js, embedded::report_js},
             {{"written", utc()}, {"runs", {run}}}));
}

void write_comparison(const std::string& path, const std::vector<std::string>& folders) {
  json runs = json::array();
  std::string title;
  for (auto& folder : folders) {
    runs.push_back(read_run(folder));
    title += (title.empty() ? "" : ", ") + runs.back()["name"].get<std::string>();
  }
  write(path, page(title, {embedded::charts_js, embedded::common_js, embedded::compare_js},
                   {{"written", utc()}, {"runs", runs}}));
}

}  // namespace tweed
