#include "tests/apps/browser.h"

#include <nlohmann/json.hpp>

#include "tests/apps/apps_support.h"
#include "tests/catch.h"

namespace fs = std::filesystem;
using namespace tweed;
using nlohmann::json;

std::string browser() {
  for (std::string name : {"chromium", "chromium-browser", "google-chrome"})
    for (std::string folder : {"/usr/bin/", "/usr/local/bin/"})
      if (fs::exists(folder + name)) return folder + name;
  return "";
}

// Counts what goes wrong from the beginning on.
const char* const before = R"(<script>
window.faults = [];
addEventListener('error', event => faults.push(event.message));
addEventListener('unhandledrejection', event => faults.push(String(event.reason)));
addEventListener('securitypolicyviolation', event => faults.push('asked for ' + event.blockedURI));
</script>)";

json seen_in(const std::string& page, int width, const char* after) {
  TemporaryFolder folder;
  std::string html = bytes_of(page);
  html.insert(html.find("<body>") + 6, before);
  html.insert(html.rfind("</body>"), after);
  write_text(folder / "page.html", html);
  const Outcome o = run_program(
      {browser(), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
       "--user-data-dir=" + (folder / "profile"), "--window-size=" + std::to_string(width) + ",900",
       "--virtual-time-budget=20000", "--dump-dom", "file://" + (folder / "page.html")});
  INFO(o.err << o.out.substr(0, 2000));
  CHECK(o.err.find("CONSOLE") == std::string::npos);
  const std::string start = "<pre id=\"seen\">";
  const auto at = o.out.find(start);
  REQUIRE(at != std::string::npos);
  std::string text = o.out.substr(at + start.size(), o.out.find("</pre>", at) - at - start.size());
  for (auto& [entity, character] :
       {std::pair("&gt;", ">"), std::pair("&lt;", "<"), std::pair("&amp;", "&")})
    for (std::size_t i; (i = text.find(entity)) != std::string::npos;)
      text.replace(i, std::string(entity).size(), character);
  return json::parse(text);
}
