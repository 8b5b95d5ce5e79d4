#include "record/report/html.h"

#include <ctime>
#include <nlohmann/json.hpp>

#include "data/whole_file.h"

namespace tweed {

using nlohmann::json;

namespace {

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

}  // namespace

std::string html_page(const std::string& title, const std::vector<const char*>& styles,
                      const std::vector<const char*>& scripts, const json& data) {
  std::string html =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n<title>" +
      for_html(title) + "</title>\n";
  for (const char* style : styles) html += std::string("<style>\n") + style + "</style>\n";
  html +=
      "</head>\n<body>\n"
      "<noscript>This page is drawn by JavaScript, which is off here.</noscript>\n"
      "<script type=\"application/json\" id=\"data\">" +
      for_script(data) + "</script>\n";
  for (const char* script : scripts) html += std::string("<script>\n") + script + "</script>\n";
  return html + "</body>\n</html>\n";
}

std::string utc_now() {
  char text[32];
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

void write_page(const std::string& path, const std::string& html) {
  WholeFile file(path);
  file.write(html);
  file.commit(false);
}

}  // namespace tweed
