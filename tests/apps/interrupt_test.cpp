// Apps stop after Ctrl-C and SIGTERM, and go on after a photo that cannot be read.
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "data/image.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"

using namespace tweed;

namespace {

// A photo again and again: seconds of work.
Words many(const std::string& photo, std::size_t count = 5000) { return Words(count, photo); }

void check_stopped(Running& running, int signal) {
  running.send(signal);
  const Outcome o = running.finish();
  INFO(o.out << o.err);
  CHECK(o.code == 130);
}

}  // namespace

TEST_CASE("classify stops between photos") {
  const TrainedNetwork t;
  for (int signal : {SIGINT, SIGTERM}) {
    Running running(app_command("classify") + Words{"--weights", t.best} + many(t.photo));
    REQUIRE(running.wait_for("photo.png"));  // printed as it goes
    check_stopped(running, signal);
  }
}

TEST_CASE("saliency_maps stops between photos") {
  const TrainedNetwork t;
  const std::string out = t.folder.path() + "/maps.png";
  for (int signal : {SIGINT, SIGTERM}) {
    Running running(app_command("saliency_maps") + Words{t.best, t.folder.path() + "/none.png"} +
                    many(t.photo) + Words{"--out", out});
    REQUIRE(running.wait_for_error("skipped"));
    check_stopped(running, signal);
    CHECK(!std::filesystem::exists(out));
  }
}

TEST_CASE("A long attack stops between steps, and prints no figure of a part") {
  const TrainedNetwork t;
  const Words attack =
      app_command("pgd_attack") +
      Words{t.best, t.data, "--steps", "100000", "--out", t.folder.path() + "/p.png"};
  for (int signal : {SIGINT, SIGTERM}) {
    Running running(attack);
    REQUIRE(running.wait_for("clean"));
    running.send(signal);
    const Outcome o = running.finish();
    CHECK(o.code == 130);
    CHECK(line_count(without_taken(o.out)) == 1);
  }
  Running running(app_command("train_miniplaces") +
                  Words{t.data, "-e", "-a", "--steps", "100000", "--resume", t.best});
  REQUIRE(running.wait_for("mirror"));
  running.send(SIGINT);
  const Outcome o = running.finish();
  CHECK(o.code == 130);
  CHECK(line_count(without_taken(o.out)) == 1);
}

TEST_CASE("A photo that cannot be read is named and skipped") {
  const TrainedNetwork t;
  const std::string bad = t.folder.path() + "/bad.png", none = t.folder.path() + "/none.png",
                    strip = t.folder.path() + "/strip.png";
  std::ofstream(bad) << "no picture";
  write_png(strip, {1, 200, std::vector<uint8_t>(600, 9)});
  auto classify = [&](const Words& photos) {
    return run_app("classify", Words{"--weights", t.best, "--top", "1"} + photos);
  };
  const std::string one = classify({t.photo}).out;
  Outcome o = classify({bad, t.photo, none, strip, t.photo});
  CHECK(o.code == 1);
  CHECK(o.out == one + one);
  CHECK(line_count(o.err) == 3);
  for (auto& file : {bad, none, strip})
    CHECK(o.err.find("skipped " + file + ": ") != std::string::npos);
  o = classify({bad, none});
  CHECK(o.code == 2);
  CHECK(o.out == "");
  CHECK(line_count(o.err) == 2);

  auto draw = [&](const Words& photos) {
    return run_app("saliency_maps",
                   Words{t.best} + photos + Words{"--out", t.folder.path() + "/maps.png"});
  };
  o = draw({bad, t.photo, none});
  CHECK(o.code == 1);
  CHECK(o.out.find(": 1 image of 32x32") != std::string::npos);
  CHECK(line_count(o.err) == 2);
  o = draw({bad, none});
  CHECK(o.code == 2);
  CHECK(line_count(o.err) == 3);
}

TEST_CASE("The memory that photos take does not grow with their number") {
  const TrainedNetwork t;
  auto peak = [&](const std::string& app, const Words& first, std::size_t count) {
    const Outcome o = run_app(app, first + many(t.photo, count));
    CHECK(o.code == 0);
    return double(o.peak_kilobytes);
  };
  const Words classify{"--weights", t.best, "--resize", "256", "--crop", "256"};
  CHECK(peak("classify", classify, 80) < 1.3 * peak("classify", classify, 8));
  const Words draw{t.best, "--out", t.folder.path() + "/maps.png"};  // a hundred a sheet
  CHECK(peak("saliency_maps", draw, 300) < 1.1 * peak("saliency_maps", draw, 100));
}

TEST_CASE("Names of others reach the terminal with nothing that it would act upon") {
  const TrainedNetwork t;
  const std::string escape = "\x1b[31m", evil = t.folder.path() + "/a" + escape + "\nforged.png",
                    names = t.folder.path() + "/names.txt", bad = evil + "2";
  std::filesystem::copy_file(t.photo, evil);
  std::ofstream(bad) << "no picture";
  std::ofstream(names) << escape << "red\n\xffx\n" << std::string(100'000, 'y') << "\n";
  auto check_clean = [&](const std::string& app, const Words& words) {
    const Outcome o = run_app(app, words);
    INFO(o.out.substr(0, 2000) << o.err.substr(0, 2000));
    for (auto& text : {o.out, o.err}) {
      CHECK(text.find('\x1b') == std::string::npos);
      CHECK(text.find('\xff') == std::string::npos);
      CHECK(text.find("\nforged") == std::string::npos);
      CHECK(text.size() < 5000);
    }
  };
  check_clean("classify", {evil, bad, "--weights", t.best, "--classes-file", names});
  check_clean("saliency_maps", {t.best, evil, bad, "--out", evil});
  check_clean("pgd_attack", {t.best, t.data, "--steps", "1", "--out", evil});
  check_clean("train_miniplaces", {t.data, "-e", "-v", "--resume", t.best, "--out", evil + "d"});
  check_clean("tiny_places_sheet", {"--size", "8", "--out", evil});
  for (const char* app :
       {"classify", "saliency_maps", "pgd_attack", "train_miniplaces", "tiny_places_sheet"}) {
    check_clean(app, {"--flag" + escape + "\nforged"});
    check_clean(app, {"--" + std::string(100'000, 'x')});
    check_clean(app, {evil + "none", "--weights", evil + "none"});
    check_clean(app, {"--device", escape + "\nforged", "x"});
  }
}
