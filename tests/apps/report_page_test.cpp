// report.html and compare.html: what is in them, and what a browser makes of them. The browser's
// part is skipped where there is no Chromium (apt-get install chromium).
#include <nlohmann/json.hpp>

#include "apps/paths.h"
#include "data/image.h"
#include "kernels/machine/error.h"
#include "record/report/page.h"
#include "record/report/run_data.h"
#include "tests/apps/apps_support.h"
#include "tests/apps/browser.h"
#include "tests/catch.h"

using namespace tweed;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

// Does with the first chart what a user does, and writes down what is seen.
const char* const after = R"(<script>
const seen = {};
const wait = () => new Promise(done => setTimeout(done, 60));
async function look() {
  await wait();
  for (const image of document.images) image.loading = 'eager';
  await wait();
  SVGElement.prototype.setPointerCapture = () => {};  // such events come from no real pointer
  const charts = [...document.querySelectorAll('svg.chart')], chart = charts[0], card = chart.parentNode;
  seen.charts = charts.length;
  seen.empty = charts.filter(c => !c.querySelector('path.curve') ||
    [...c.querySelectorAll('path.curve')].some(p => !p.getAttribute('d'))).length;
  seen.wrong = [...document.querySelectorAll('path, circle, line')].filter(node => /NaN|undefined|Infinity/.test(node.outerHTML)).length;
  seen.objects = /\[object|undefined|NaN/.test(document.querySelector('main').innerText) ? 1 : 0;
  seen.broken = [...document.images].filter(i => !i.naturalWidth).length;
  seen.images = document.images.length;
  const box = chart.getBoundingClientRect();
  const point = (kind, share) => chart.dispatchEvent(new PointerEvent(kind, { bubbles: true, button: 0, pointerType: 'mouse',
    clientX: box.left + box.width * share, clientY: box.top + box.height / 2 }));
  point('pointermove', 0.5);
  const tip = document.getElementById('tip');
  seen.tip = tip && !tip.hidden ? tip.textContent : '';
  seen.marks = chart.querySelectorAll('.cursor').length;
  const curve = () => chart.querySelector('path.curve').getAttribute('d');
  const whole = curve();
  point('pointerdown', 0.3), point('pointermove', 0.6);
  seen.drag = chart.querySelectorAll('.drag').length;
  point('pointerup', 0.6);
  await wait();
  seen.zoomed = curve() !== whole;
  chart.dispatchEvent(new MouseEvent('dblclick', { bubbles: true }));
  seen.back = curve() === whole;
  point('pointerleave', 1);
  seen.left = tip.hidden;
  chart.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
  seen.keyboard = !tip.hidden;
  const curves = () => chart.querySelectorAll('path.curve').length, all = curves();
  card.querySelector('.legend button').click();
  seen.hidden = all - curves();
  seen.curves_say = document.getElementById('curves').innerText;
  seen.wide = document.documentElement.scrollWidth > innerWidth;
  seen.asked = performance.getEntriesByType('resource').filter(r => !r.name.startsWith('data:')).map(r => r.name);
  seen.sections = [...document.querySelectorAll('section')].map(s => s.id);
  seen.faults = faults;
  document.body.replaceChildren(Object.assign(document.createElement('pre'), { id: 'seen', textContent: JSON.stringify(seen) }));
}
addEventListener('load', () => look().catch(e => {
  document.body.replaceChildren(Object.assign(document.createElement('pre'), { id: 'seen', textContent: JSON.stringify({ faults: [String(e)] }) }));
}));
</script>)";

void check_seen(const json& seen, int charts) {
  INFO(seen.dump(2));
  CHECK(seen.at("faults") == json::array());
  REQUIRE(seen.contains("charts"));
  CHECK(seen["charts"] == charts);
  for (auto none : {"empty", "wrong", "objects", "broken"}) CHECK(seen[none] == 0);
  CHECK(seen["asked"] == json::array());
  CHECK(seen["marks"] == 1);
  CHECK(seen["drag"] == 1);
  CHECK(seen["hidden"] == 1);
  for (auto fact : {"zoomed", "back", "left", "keyboard"}) CHECK(seen[fact] == true);
  CHECK(seen["wide"] == false);
}

// What stands in a page's data.
json data_of(const std::string& page) {
  const std::string html = bytes_of(page), start = "id=\"data\">";
  const auto at = html.find(start) + start.size();
  return json::parse(html.substr(at, html.find("</script>", at) - at));
}

const Words two_epochs = split("--epochs 2 --limit 8 --batch-size 4 --image-size 32");

}  // namespace

TEST_CASE("A browser draws a run's report, shows values under the pointer, and asks for nothing") {
  TemporaryFolder folder;
  REQUIRE(train(folder / "run", two_epochs).code == 0);
  const std::string page = folder / "run/report.html";
  REQUIRE(fs::exists(page));
  if (browser().empty()) {
    WARN("skipped: there is no Chromium here");
    return;
  }
  for (int width : {1280, 500}) {
    const json seen = seen_in(page, width, after);
    check_seen(seen, 8);
    CHECK(seen["images"] > 4);
    const std::string tip = seen.at("tip");
    CHECK(tip.find("iteration") != std::string::npos);
    CHECK(tip.find("training") != std::string::npos);
    CHECK(seen["sections"] == json({"curves", "answers", "network", "made", "draft"}));
  }
}

TEST_CASE("A page says what became of robust accuracy") {
  struct Course {
    std::vector<double> robust;
    const char* said;
  };
  for (auto& [robust, said] :
       {Course{{25, 40, 5, 30}, "In epoch 3 it fell below half of its best"},
        Course{{25, 40, 38, 30}, "30.00 %, 10.0 points below the best: robust overfitting."},
        Course{{25, 40, 38, 39}, "1.0 points below the best, which a sample of that size may"},
        Course{{25, 30, 38, 40}, "The last epoch was the best."}}) {
    TemporaryFolder folder;
    std::string lines;
    for (std::size_t i = 0; i < robust.size(); ++i)
      lines += json{{"epoch", i + 1},
                    {"lr", 0.1},
                    {"train_loss", 2.0},
                    {"train_top1", 30 + 10 * int(i)},
                    {"train_top5", 80.0},
                    {"val_loss", 2.0},
                    {"val_top1", 50.0},
                    {"val_top5", 90.0},
                    {"val_robust_top1", robust[i]}}
                   .dump() +
               "\n";
    write_text(folder / "metrics.jsonl", lines);
    write_text(folder / "config.json",
               "{\"data\":{\"classes\":10},\"flags\":{\"--adversarial\":[\"fgsm\"]}}");
    write_report(folder.path());
    if (browser().empty()) {
      WARN("skipped: there is no Chromium here");
      return;
    }
    const json seen = seen_in(folder / "report.html", 1280, after);
    INFO(seen.dump(2));
    CHECK(seen["faults"] == json::array());
    const std::string text = seen["curves_say"];
    CHECK(text.find(said) != std::string::npos);
    CHECK(text.find("under attack") != std::string::npos);
  }
}

TEST_CASE("compare sets runs side by side in a page and a picture") {
  TemporaryFolder folder;
  REQUIRE(train(folder / "a", two_epochs).code == 0);
  REQUIRE(train(folder / "b", two_epochs + split("--conv im2col --seed 3")).code == 0);
  const Outcome o =
      run_app("compare", {folder / "a", folder / "b", "--out", folder / "sub/compare"});
  INFO(o.err);
  REQUIRE(o.code == 0);
  CHECK(decode_image(folder / "sub/compare.png").width > 1000);
  const json data = data_of(folder / "sub/compare.html");
  REQUIRE(data.at("runs").size() == 2);
  CHECK(data["runs"][1].at("name") == "b");
  CHECK(data["runs"][1].at("config").at("convolutions") == json({"im2col"}));
  if (browser().empty()) {
    WARN("skipped: there is no Chromium here");
    return;
  }
  const json seen = seen_in(folder / "sub/compare.html", 1280, after);
  check_seen(seen, 8);
  CHECK(seen["tip"].get<std::string>().find("epoch") != std::string::npos);

  check_refused(run_app("compare", {folder.path()}), "is no run");
  check_refused(run_app("compare", {folder / "a", folder / "c"}), "no such folder");
  check_refused(run_app("compare", {folder / "a", "--out", "x"}), "--out belongs to several runs");
}

TEST_CASE("A report is made of what is there, whatever names and files hold") {
  TemporaryFolder folder;
  const std::string run = folder / "<b>&\"run";
  fs::create_directory(run);
  CHECK_THROWS_AS(write_report(run), FormatError);
  write_text(run + "/config.json", "{\"model\": \"</script><script>alert(1)</script>\"}");
  write_report(run);
  CHECK(bytes_of(run + "/report.html").find("<script>alert") == std::string::npos);
  CHECK(bytes_of(run + "/report.html").find("<title>&lt;b>&amp;") != std::string::npos);
  CHECK(data_of(run + "/report.html")["runs"][0]["config"]["model"] ==
        "</script><script>alert(1)</script>");

  write_text(run + "/config.json", "{\"model\": 5}");
  write_report(run);
  write_text(run + "/metrics.jsonl", "{\"epoch\":1,\"lr\":0.1,\"train_loss\":null}\nrubbish\n");
  write_text(run + "/iterations.jsonl", "{\"iteration\":1,\"epoch\":1}\n{\"iteration\":");
  write_text(run + "/layers.jsonl", "{\"epoch\":1,\"layer\":7}\n{\"layer\":\"a\"}\n");
  write_text(run + "/validation.json", "[");
  write_report(run);
  const json data = data_of(run + "/report.html")["runs"][0];
  CHECK(data["epochs"]["epoch"] == json({1}));
  CHECK(data["epochs"]["val_loss"] == json({nullptr}));
  CHECK(data["steps"]["iteration"] == json({1}));
  CHECK(data["validation"].is_null());
}

TEST_CASE("More steps than a curve can show become means with their range") {
  TemporaryFolder folder;
  std::string lines;
  for (int i = 1; i <= 2500; ++i)
    lines += "{\"iteration\":" + std::to_string(i) +
             ",\"epoch\":1,\"loss\":" + std::to_string(i % 3) + "}\n";
  write_text(folder / "iterations.jsonl", lines);
  write_text(folder / "metrics.jsonl", "{\"epoch\":1}\n");
  const json steps = read_run(folder.path())["steps"];
  REQUIRE(steps["loss"].size() == 834);
  CHECK(steps["iteration"][0] == 2.0);
  CHECK(steps["loss"][0] == 1.0);
  CHECK(steps["loss_low"][0] == 0.0);
  CHECK(steps["loss_high"][0] == 2.0);
  CHECK(read_run(folder.path())["epoch_ends"] == json({2500}));
}
