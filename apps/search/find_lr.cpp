#include "apps/search/find_lr.h"

#include <algorithm>
#include <cmath>

#include "apps/app.h"
#include "apps/training.h"
#include "kernels/machine/printable.h"
#include "record/draw/curves.h"
#include "record/metrics.h"
#include "train/find_lr.h"

namespace tweed::app {
namespace {

// Two digits are more than such a test can tell.
std::string rate_text(double rate) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2g", rate);
  return text;
}

std::string quoted(const std::string& word) {
  const bool plain = !word.empty() && word.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789_@%+=:,./-") == std::string::npos;
  if (plain) return word;
  std::string text = "'";
  for (char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

// Losses far above those at the beginning would press all else to the floor: the curves end there.
void draw(const std::string& path, const RateTest& test) {
  double most = test.tried.front().smoothed, least = most;
  for (auto& t : test.tried) least = std::min(least, t.smoothed);
  most += (most - least) / 2 + 1e-3;
  Series losses{"each batch", {}, {}}, smoothed{"smoothed", {}, {}};
  for (auto& t : test.tried) {
    if (t.smoothed >= most) break;
    losses.x.push_back(t.rate);
    losses.y.push_back(t.loss < most ? t.loss : NAN);
    smoothed.x.push_back(t.rate);
    smoothed.y.push_back(t.smoothed);
  }
  Plot plot{"Loss by learning rate", "learning rate", {smoothed, losses}, true};
  auto mark = [&](const char* name, double rate) {
    if (rate > 0)
      plot.series.push_back({name + (" " + rate_text(rate)), {rate, rate}, {least, most}});
  };
  mark("steepest", test.steepest);
  mark("a tenth of the lowest's", test.lowest / 10);
  draw_pictures(path, "", {draw_plot(plot, 420, 720)});
}

void write(const std::string& path, const RateTest& test) {
  MetricsFile file(path);
  int64_t iteration = 0;
  for (auto& t : test.tried)
    file.append({{"iteration", ++iteration},
                 {"lr", t.rate},
                 {"loss", rounded(t.loss)},
                 {"smoothed", rounded(t.smoothed)}});
}

}  // namespace

std::string command_with_rate(const std::vector<std::string>& typed, double rate) {
  std::string line = "train_miniplaces";
  auto add = [&](const std::string& word) { line += " " + quoted(word); };
  const auto end = std::find(typed.begin(), typed.end(), "--");
  for (auto word = typed.begin(); word != end; ++word) {
    if (*word == "--find-lr") continue;
    if (*word == "--lr" || *word == "--learning-rate") {
      if (word + 1 != end) ++word;
      continue;
    }
    if (!word->starts_with("--lr=") && !word->starts_with("--learning-rate=")) add(*word);
  }
  add("--lr");
  add(rate_text(rate));
  for (auto word = end; word != typed.end(); ++word) add(*word);
  return line;
}

int find_lr_for(const TrainingOptions& options, const ModulePtr& network, const Dataset& data) {
  Trainer trainer(network, data, options.trainer);
  ProgressLine line;
  RateRange range;
  range.cancelled = interrupted;
  range.progress = [&](int64_t done, int64_t total) {
    line.update("Trying rates", done, total, std::to_string(done) + "/" + std::to_string(total));
  };
  const RateTest test = find_lr(trainer, range);
  line.clear();
  if (test.cancelled) {
    say("Stopped after %s; nothing is changed or written.\n",
        counted(int64_t(test.tried.size()), "rate").c_str());
    return 130;
  }
  if (test.tried.empty()) throw Error("--find-lr: the loss is not finite at any rate");
  const std::string folder = options.folder->path(), figures = folder + "/" + run_file::rates,
                    picture = folder + "/" + run_file::rates_picture;
  write(figures, test);
  draw(picture, test);
  say("Tried %zu rates from %s to %s%s.\n", test.tried.size(), rate_text(range.first).c_str(),
      rate_text(test.tried.back().rate).c_str(),
      test.diverged ? ", where the loss grew without bounds" : "");
  say("wrote %s and %s\n", printable(picture).c_str(), printable(figures).c_str());
  if (test.steepest == 0)
    throw Error("--find-lr: no rate lowers the loss; the picture shows what it does");
  say("Suggested: --lr %s, where the smoothed loss falls fastest over the logarithm of the rate.\n",
      rate_text(test.steepest).c_str());
  say("Also usual: %s, a tenth of the rate where it is lowest (%s).\n",
      rate_text(test.lowest / 10).c_str(), rate_text(test.lowest).c_str());
  say("  %s\n", command_with_rate(options.command, test.steepest).c_str());
  return 0;
}

}  // namespace tweed::app
