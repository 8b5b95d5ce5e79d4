// What the apps show on terminals of several widths.
#include "apps/terminal.h"

#include <algorithm>
#include <regex>

#include "apps/paths.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"

using namespace tweed;
using app::wrapped;

namespace {

// The states of every line that was shown: each new one begins with CR or LF.
Words shown(const std::string& out) {
  Words lines{""};
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out.compare(i, 2, "\x1b[") == 0)
      i = out.find_first_of("mK", i);
    else if (out[i] == '\r' || out[i] == '\n')
      lines.emplace_back();
    else
      lines.back() += out[i];
  }
  return lines;
}

Outcome in_terminal(int columns, const std::string& app, const Words& words) {
  const Words colourful{"/usr/bin/env", "-u", "NO_COLOR", "TERM=xterm"};
  const Outcome o = run_in_terminal(colourful + app_command(app) + words, columns);
  for (auto& line : shown(o.out)) {
    INFO(columns << " columns: " << line);
    CHECK(app::columns_of(line) <= columns);
    CHECK(line.find('\x1b') == std::string::npos);
  }
  return o;
}

}  // namespace

TEST_CASE("Text is broken between words, or within one that is wider than the line") {
  CHECK(wrapped("one two three", 0) == "one two three");
  CHECK(wrapped("one two three", 13) == "one two three");
  CHECK(wrapped("one two three", 8) == "one two\n  three");
  CHECK(wrapped("one two three\nfour\n", 8) == "one two\n  three\nfour\n");
  CHECK(wrapped("\nfour", 8) == "\nfour");
  CHECK(wrapped("one/two/three/four", 8) == "one/two/\n  three/\n  four");
  CHECK(wrapped("  a line that begins with blanks", 14) ==
        "  a line that\n  begins with\n  blanks");
  // Columns are characters, not bytes.
  CHECK(wrapped("\xc3\xa9\xc3\xa9\xc3\xa9 \xc3\xa9\xc3\xa9", 6) ==
        "\xc3\xa9\xc3\xa9\xc3\xa9 \xc3\xa9\xc3\xa9");
  CHECK(app::columns_of("caf\xc3\xa9") == 4);
}

TEST_CASE("Colours take no room, and a text that is cut ends its own") {
  const std::string red = "\x1b[31m", plain = "\x1b[0m";
  CHECK(app::columns_of(red + "caf\xc3\xa9" + plain) == 4);
  CHECK(app::columns_of(red + plain) == 0);
  CHECK(wrapped(red + "one" + plain + " two three", 8) == red + "one" + plain + " two\n  three");
  CHECK(wrapped(red + "one" + plain, 3) == red + "one" + plain);
  CHECK(wrapped("one " + red + "two" + plain, 7) == "one " + red + "two" + plain);
  CHECK(wrapped("abc\x1b[", 10) == "abc\x1b[");  // cut short itself
}

TEST_CASE("Terminals get colours, unless they have none or nobody wants them; pipes never") {
  const TrainedNetwork t;
  const std::string out = t.folder.path() + "/colours";
  const Words run{t.data, "--model",  t.json, "--image-size", "32",    "--batch-size",
                  "4",    "--epochs", "2",    "--overwrite",  "--out", out};
  const auto shown_as = [&](const Words& environment, const Words& words) {
    return run_in_terminal(Words{"/usr/bin/env", "-u", "NO_COLOR"} + environment +
                               app_command("train_miniplaces") + words,
                           80)
        .out;
  };
  const std::string green = "\x1b[32m", red = "\x1b[31m";
  const std::string coloured = shown_as({"TERM=xterm"}, run);
  CHECK(std::regex_search(coloured, std::regex("1/2 .*\\|  \x1b\\[32m.*\x1b\\[0m  \\|")));
  CHECK_THAT(coloured, Contains("[" + green + "#") && Contains("#\x1b[0m] 3/3"));
  CHECK_THAT(shown_as({"TERM=xterm"}, {"--modle"}),
             Contains(red + "train_miniplaces:\x1b[0m there"));
  for (const Words& none : {Words{"TERM=dumb"}, {"TERM="}, {"TERM=xterm", "NO_COLOR=1"}}) {
    const std::string plain = shown_as(none, run);
    CHECK_THAT(plain, Contains("1/2 "));
    CHECK(plain.find("\x1b[3") == std::string::npos);
    CHECK(plain.find("\x1b[1m") == std::string::npos);
  }
  CHECK_THAT(shown_as({"TERM=xterm", "NO_COLOR="}, run), Contains(green));
  const Outcome piped =
      run_program(Words{"/usr/bin/env", "TERM=xterm"} + app_command("train_miniplaces") + run);
  CHECK((piped.out + piped.err).find('\x1b') == std::string::npos);
}

TEST_CASE("A bar fills from left to right") {
  CHECK(app::bar(0, 4, 4) == "[....]");
  CHECK(app::bar(1, 4, 4) == "[#...]");
  CHECK(app::bar(4, 4, 4) == "[####]");
  CHECK(app::bar(0, 0, 2) == "[..]");
}

TEST_CASE("No line is wider than the terminal, whatever the app says") {
  for (const int columns : {80, 50, 30}) {
    const TrainedNetwork t;
    const std::string out = t.folder.path() + "/terminal";
    const Words data{t.data, "--model", t.json, "--image-size", "32", "--batch-size", "4"};
    Outcome o =
        in_terminal(columns, "train_miniplaces", data + Words{"--epochs", "2", "--out", out});
    INFO(o.out);
    CHECK(o.code == 0);
    CHECK_THAT(o.out, Contains("epoch") && Contains("2/2") && Contains("Validating"));
    CHECK(std::regex_search(o.out, std::regex("top5 %")) == (columns >= 80));
    CHECK_THAT(o.out, Contains(" left"));
    CHECK_THAT(o.out, Contains("] 3/3"));
    o = in_terminal(columns, "train_miniplaces", {t.data, "-e", "-a", "-v", "--resume", out});
    CHECK(o.code == 0);
    CHECK_THAT(o.out, Contains("Evaluating") && Contains("Attacking"));
    CHECK(in_terminal(columns, "pgd_attack", {out, t.data, "--out", out + "/p.png"}).code == 0);
    CHECK(in_terminal(columns, "evaluate", {out, t.data, "-a"}).code == 0);
    CHECK(in_terminal(columns, "classify", {t.photo, "--weights", out}).code == 0);
    CHECK(in_terminal(columns, "saliency_maps", {out, t.photo, "--out", out + "/p.png"}).code == 0);
    CHECK(in_terminal(columns, "train_miniplaces", {"--modle", "x"}).code == 2);
    o = in_terminal(columns, "train_miniplaces", {t.data, "--summary", "--model", "resnet20"});
    CHECK(o.code == 0);
    CHECK_THAT(o.out, Contains("left out: bytes"));
    for (const char* app : {"train_miniplaces", "classify", "evaluate", "saliency_maps",
                            "pgd_attack", "features", "export_weights", "inspect"})
      CHECK(in_terminal(columns, app, {"--help"}).code == 0);
    CHECK(in_terminal(columns, "train_miniplaces", {"--help-all"}).code == 0);
  }
}

TEST_CASE("--help has the commonest flags in groups, --help-all has all") {
  const std::string usual = run_app("train_miniplaces", {"--help"}).out,
                    all = run_app("train_miniplaces", {"--help-all"}).out;
  for (auto& text : {usual, all})
    for (auto& line : shown(text)) CHECK(line.size() <= 80);
  CHECK_THAT(usual, Contains("--epochs N") && Contains("\nTraining:\n") && Contains("\nModel:\n"));
  CHECK(usual.find("--nesterov") == std::string::npos);
  CHECK_THAT(all, Contains("--nesterov") && Contains("\nAttack:\n"));
  const auto lines = [](const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  };
  CHECK(3 * lines(usual) < 2 * lines(all));
  std::smatch count;
  REQUIRE(std::regex_search(usual, count, std::regex("--help-all lists ([0-9]+) more flags")));
  CHECK(std::stoi(count[1]) > 20);
}
