// The page of a movie: what is in it, what a browser makes of it (skipped where there is no
// Chromium), and how one asks for it.
#include "record/movie/movie_page.h"

#include <nlohmann/json.hpp>

#include "docs/examples/race.h"
#include "kernels/machine/error.h"
#include "tests/apps/apps_support.h"
#include "tests/apps/browser.h"
#include "tests/catch.h"

using namespace tweed;
using nlohmann::json;
namespace fs = std::filesystem;

#ifndef __SANITIZE_ADDRESS__  // without the hooks nothing is seen

namespace {

// Steps through the page as a user does, and writes down what is seen.
const char* const after = R"(<script>
const seen = {};
const press = key => document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
const text = id => document.getElementById(id).innerText;
async function look() {
  seen.first = text('now');
  press('Home');
  seen.home = [at.block, at.step];
  press('ArrowRight'), press('ArrowRight'), press('ArrowLeft');
  seen.stepped = at.step;
  const kinds = new Set();
  let last = null;
  for (let i = 0; i < 5000; ++i) {
    for (const word of ['load', 'store', '__syncthreads', 'end']) if (text('now').includes(word)) kinds.add(word);
    for (const id of ['shared', 'global']) if (!text(id).includes('Not touched') && document.getElementById('global')) kinds.add(id);
    if (document.querySelectorAll('.warp .waits').length) kinds.add('waits');
    if (document.querySelectorAll('.warp .end').length) kinds.add('ended');
    if (/coalesced/.test(text('global'))) kinds.add('coalesced');
    if (JSON.stringify(at) === last) break;
    last = JSON.stringify(at);
    press('ArrowRight');
  }
  seen.kinds = [...kinds].sort();
  seen.last = at.step;
  seen.steps = steps().length;
  seen.line = document.querySelector('.source .now') ? document.querySelector('.source .now').innerText : '';
  seen.cells = document.querySelectorAll('.warp span').length;
  if (movie.findings.length) {
    press('Home');
    document.querySelector('#findings button').click();
    seen.found = [at.block, at.step];
    seen.marked = document.querySelectorAll('.warp .wrong').length;
    const now = document.querySelector('.source .now'), box = document.querySelector('.source');
    const [a, b] = [now.getBoundingClientRect(), box.getBoundingClientRect()];
    seen.visible = a.top >= b.top && a.bottom <= b.bottom;
  }
  press('Home');
  press(' ');
  await new Promise(done => setTimeout(done, 2500));
  seen.played = at.step > 0;
  press(' ');
  seen.objects = /\[object|undefined|NaN/.test(document.querySelector('main').innerText);
  seen.wide = document.documentElement.scrollWidth > innerWidth;
  seen.asked = performance.getEntriesByType('resource').filter(r => !r.name.startsWith('data:')).map(r => r.name);
  seen.faults = faults;
  document.body.replaceChildren(Object.assign(document.createElement('pre'), { id: 'seen', textContent: JSON.stringify(seen) }));
}
addEventListener('load', () => look().catch(e => {
  document.body.replaceChildren(Object.assign(document.createElement('pre'), { id: 'seen', textContent: JSON.stringify({ faults: [String(e)] }) }));
}));
</script>)";

std::string film_sum(const std::string& page, bool barrier) {
  std::vector<float> x(64, 1.f), y(1);
  Sim sim;
  std::string said;
  film_to(page, "sum_kernel", [&](const std::string& text) { said += text; });
  try {
    barrier ? sum_with_barrier(sim, x, y) : sum_without_barrier(sim, x, y);
  } catch (const SimulatorError&) {
  }
  return said;
}
json data_of(const std::string& page) {
  const std::string html = bytes_of(page), start = "id=\"data\">";
  const auto at = html.find(start) + start.size();
  return json::parse(html.substr(at, html.find("</script>", at) - at));
}

}  // namespace

TEST_CASE("A movie's page has the source, all steps and findings, and loads nothing") {
  TemporaryFolder folder;
  const std::string page = folder / "race.html";
  const std::string said = film_sum(page, false);
  CHECK(why_no_movie().empty());
  const json data = data_of(page);
  const auto findings = data["findings"].size();
  REQUIRE(findings > 0);
  CHECK(said == "movie: " + page + ", sum_kernel<false>, 1 block of 1, " +
                    std::to_string(findings) + (findings == 1 ? " finding" : " findings"));
  CHECK(data["block"] == json({64, 1}));
  REQUIRE(data["files"].size() == 1);
  CHECK(data["files"][0]["name"] == "race.cu");
  REQUIRE(data["files"][0]["lines"].is_array());
  for (auto& finding : data["findings"]) CHECK(finding["at"].is_array());
  CHECK(data["leftOut"] == json::array());
  const std::string html = bytes_of(page);
  CHECK(html.find("default-src 'none'") != std::string::npos);
  for (const char* outside : {"src=\"http", "href=\"http", "url(http", "fetch("})
    CHECK(html.find(outside) == std::string::npos);
  CHECK(html.find(fs::current_path().string()) == std::string::npos);

  // What is left out is said, and what there is not stays out.
  sim::Movie movie;
  movie.kernel = "</script><script>alert(1)</script>";
  movie.config = {.grid = 64, .block = {32, 1}};
  movie.most_events = 5;
  movie.blocks = {{0, {}, true}, {1, {}, false}, {63, {}, true}};
  movie.findings = {{"found elsewhere", 7, 3, 2}};
  write_movie(page, movie);
  const json few = data_of(page);
  CHECK(few["leftOut"][0] == "The movie has blocks 0, 1 and 63 of the grid's 64.");
  CHECK(few["leftOut"][1].get<std::string>().find("in blocks 0 and 63 threads did more") !=
        std::string::npos);
  CHECK(few["findings"][0]["at"].is_null());
  CHECK(bytes_of(page).find("<script>alert") == std::string::npos);
}

TEST_CASE("A browser steps through movies without a fault") {
  if (browser().empty()) {
    WARN("skipped: there is no Chromium here");
    return;
  }
  TemporaryFolder folder;
  for (const bool barrier : {true, false}) {
    film_sum(folder / "movie.html", barrier);
    const json seen = seen_in(folder / "movie.html", barrier ? 1280 : 500, after);
    INFO(seen.dump(2));
    REQUIRE(seen.at("faults") == json::array());
    CHECK(seen["asked"] == json::array());
    CHECK(seen["home"] == json({0, 0}));
    CHECK(seen["stepped"] == 1);
    CHECK(seen["kinds"] == json({"__syncthreads", "coalesced", "end", "ended", "global", "load",
                                 "shared", "store", "waits"}));
    CHECK(seen["last"] == seen["steps"].get<int>() - 1);
    CHECK(seen["cells"] == 64);
    CHECK(seen["line"].get<std::string>().find("y[0] = s[0]") != std::string::npos);
    for (auto fact : {"objects", "wide"}) CHECK(seen[fact] == false);
    CHECK(seen["played"] == true);
    if (barrier) continue;
    CHECK(seen["found"] == data_of(folder / "movie.html")["findings"][0]["at"]);
    CHECK(seen["marked"] == 1);
    CHECK(seen["visible"] == true);
    CHECK(seen["first"].get<std::string>().find("race.cu:15") != std::string::npos);
  }
}

TEST_CASE("An app makes a movie of a kernel on the simulator") {
  const TrainedNetwork t;
  const Words start{t.photo, "--weights", t.best};
  const std::string page = t.folder.path() + "/movie.html";
  const std::string usual = succeeded("classify", start + split("--device sim")).out;
  const std::string filmed =
      succeeded("classify", start + split("--device sim --kernel bias --movie " + page)).out;
  const auto at = filmed.find("movie: " + page);
  REQUIRE(at != std::string::npos);
  CHECK(filmed.substr(0, at) + filmed.substr(filmed.find('\n', at) + 1) == usual);
  CHECK(data_of(page)["kernel"].get<std::string>().find("bias") != std::string::npos);
}

#endif

TEST_CASE("A movie that cannot be is refused in a line") {
  const TrainedNetwork t;
  const Words start{t.photo, "--weights", t.best};
  const std::string page = t.folder.path() + "/movie.html";
  auto refused = [&](const std::string& flags, const std::string& what, int code = 2) {
    check_refused(run_app("classify", start + split(flags)), what, code);
  };
  refused("--movie " + page, "it wants --device sim, not cpu");
  refused("--device sim --kernel bias", "--kernel requires --movie");
  refused("--device sim --movie " + t.folder.path(), "which is a folder");
  refused("--device sim --movie " + t.folder.path() + "/no/a.html", "there is no folder");
  refused("--device sim --movie " + t.photo, "is a file that is no web page");
  const Outcome none =
      run_app("classify", start + split("--device sim --kernel bais --movie " + page));
  CHECK(none.code == 1);
  CHECK(none.err.find("no kernel with 'bais' in its name ran, but ") != std::string::npos);
}
