// What Training says while it runs, and what it leaves behind.
#include <cstdio>
#include <filesystem>

#include "apps/app.h"
#include "apps/flags.h"
#include "apps/training.h"
#include "apps/weights_size.h"
#include "autograd/conv.h"

namespace tweed::app {

// " 3/60"
static std::string epoch_text(int64_t epoch, int64_t epochs) {
  const std::string all = std::to_string(epochs), number = std::to_string(epoch);
  return std::string(all.size() - std::min(all.size(), number.size()), ' ') + number + "/" + all;
}

// Reading the score waits for the device, so it is done when there is something to show.
void Training::show_progress() {
  const int64_t total = trainer_.iterations_of_epoch(), i = position().iteration;
  const bool milestone = options_.print_every > 0 && i % options_.print_every == 0 && i < total;
  if (device_.is_cuda() && !milestone && now() - last_shown_ < 0.2) return;
  last_shown_ = now();
  const Score score = trainer_.score();
  const int64_t done = position().epoch * trainer_.iterations_per_epoch() + i;
  const double speed = double(epoch_images_) / std::max(1e-9, now() - epoch_started_);
  const double left = double((trainer_.iterations() - done) * options_.trainer.batch_size) / speed;
  char text[200];
  if (on_terminal()) {
    constexpr int wide = 64, narrow = 40;
    const std::string time = clock(left);
    if (terminal_width() < narrow)
      std::snprintf(text, sizeof text, "%ld/%ld  %s left", long(i), long(total), time.c_str());
    else if (terminal_width() >= wide)
      std::snprintf(text, sizeof text, "%ld/%ld  loss %.4f  top1 %.1f  %.0f/s  %s left", long(i),
                    long(total), score.loss, score.top1, speed, time.c_str());
    else
      std::snprintf(text, sizeof text, "%ld/%ld  loss %.4f  %s left", long(i), long(total),
                    score.loss, time.c_str());
    progress_.update(epoch_text(position().epoch + 1, trainer_.epochs()), i, total, text);
    return;
  }
  std::snprintf(text, sizeof text,
                "Epoch %ld/%ld [%ld/%ld]  loss %.4f  top-1 %.1f %%  %.0f images/s  %s left",
                long(position().epoch + 1), long(trainer_.epochs()), long(i), long(total),
                score.loss, score.top1, speed, clock(left).c_str());
  progress_.update(text, milestone);
}

// A row of a table on a terminal, without top-5 on a narrow one, in green where it is the best so
// far; a sentence in a pipe.
void Training::print_epoch(const EpochScores& scores, double seconds) {
  const auto& [train, val, robust] = scores;
  const int64_t epoch = position().epoch, epochs = trainer_.epochs();
  char attacked[40] = "";
  if (!on_terminal()) {
    if (robust) std::snprintf(attacked, sizeof attacked, "  attacked %.2f %%", robust->top1);
    say("Epoch %ld/%ld  train: loss %.4f  top-1 %.2f %%  top-5 %.2f %%   val: loss %.4f  "
        "top-1 %.2f %%  top-5 %.2f %%%s  (%s)\n",
        long(epoch), long(epochs), train.loss, train.top1, train.top5, val.loss, val.top1, val.top5,
        attacked, clock(seconds).c_str());
    return;
  }
  constexpr int wide = 80, narrow = 50;  // with room for a thousand epochs of hours
  const std::string name = epoch_text(epoch, epochs);
  const int width = int(std::max<std::size_t>(name.size(), 5));
  // Under attack counts more than among five.
  if (robust) std::snprintf(attacked, sizeof attacked, "%.2f", robust->top1);
  const bool is_attacked = robust.has_value();
  auto row = [&](const char* left, const char* loss, const char* top1, const char* top5,
                 const char* val_loss, const char* val_top1, const char* val_top5, const char* time,
                 Style style) {
    char validated[40];
    if (terminal_width() >= wide) {
      std::snprintf(validated, sizeof validated, "%7s  %6s  %6s", val_loss, val_top1, val_top5);
      std::printf("%*s  %7s  %6s  %6s  |  %s  |  %s\n", width, left, loss, top1, top5,
                  styled(style, validated).c_str(), time);
      return;
    }
    std::snprintf(validated, sizeof validated, "%7s %6s", val_loss, val_top1);
    const std::string shown = styled(style, validated);
    if (terminal_width() >= narrow)
      std::printf("%*s %7s %6s | %s | %s\n", width, left, loss, top1, shown.c_str(), time);
    else
      std::printf("%*s %s\n", width, left, shown.c_str());
  };
  auto number = [](const char* format, double value) {
    char text[32];
    std::snprintf(text, sizeof text, format, value);
    return std::string(text);
  };
  if (!header_shown_)
    row("epoch", "loss", "top1 %", "top5 %", "val", "top1 %", is_attacked ? "atck %" : "top5 %",
        "time", Style::plain);
  header_shown_ = true;
  row(name.c_str(), number("%.4f", train.loss).c_str(), number("%.2f", train.top1).c_str(),
      number("%.2f", train.top5).c_str(), number("%.4f", val.loss).c_str(),
      number("%.2f", val.top1).c_str(), is_attacked ? attacked : number("%.2f", val.top5).c_str(),
      clock(seconds).c_str(), val.top1 > best_ ? Style::green : Style::plain);
}

EvaluateOptions Training::validation_of(const char* doing) {
  EvaluateOptions options = evaluation_of(info_, options_.trainer.workers);
  options.progress = [this, doing](int64_t done, int64_t total) {
    progress_.update(doing, done, total, std::to_string(done) + "/" + std::to_string(total));
  };
  return options;
}

// False after Ctrl-C while validating: a resumed run validates this epoch again.
bool Training::finish_epoch() {
  EpochScores scores{.train = trainer_.score()};
  trainer_.check_finite();
  EvaluateOptions options = validation_of("Validating");
  Outcomes outcomes;
  options.see = [&](const Tensor& logits, const Tensor& labels) { outcomes.add(logits, labels); };
  scores.val = trainer_.evaluate(data_.validation, options);
  outcomes_ = of_all_processes(options_.trainer.group.get(), outcomes.read());
  if (robust_images_.size() > 0 && !stopping())
    scores.robust = trainer_.evaluate_robust(robust_images_, validation_of("Attacking"));
  if (stopping()) return false;
  trainer_.end_epoch();
  progress_.clear();
  const double seconds = now() - epoch_started_;
  print_epoch(scores, seconds);
  std::fflush(stdout);
  save_epoch(scores, seconds);
  return true;
}

// The state comes last: should the program be killed before, the epoch is done again, to the same
// bits, and everything else is written again.
void Training::save_epoch(const EpochScores& scores, double seconds) {
  const Score& val = scores.val;
  info_.epoch = position().epoch;
  info_.top1 = val.top1;
  info_.top5 = val.top5;
  bool is_best = val.top1 > best_;
  if (is_best) {
    best_ = val.top1;
    best_epoch_ = position().epoch;
  }
  save_weights(run_file::last);
  if (is_best) save_weights(run_file::best);
  const bool is_best_robust = scores.robust && note_robust(scores);
  if (leads()) log_epoch(scores, seconds);
  save_epoch_state(is_best, is_best_robust);
  saved_ = true;
}

// Keeps the best weights under attack, and says once where the network learnt to withstand the
// attack of training alone. Returns whether they are this epoch's.
bool Training::note_robust(const EpochScores& scores) {
  const RobustHistory before = robust_;
  const bool is_best = robust_.add(position().epoch, scores.robust->top1, scores.train.top1,
                                   int64_t(info_.classes.size()));
  if (is_best) save_weights(run_file::best_robust);
  if (robust_.collapsed == before.collapsed || !leads()) return is_best;
  say_error(
      "%s under attack %.1f %% of the validation images are right, after %.1f %% in epoch "
      "%ld, while training on attacked images got no worse (%.1f %%): the network withstands "
      "the attack of its training and no other (catastrophic overfitting). %s has epoch "
      "%ld's weights; --adversarial pgd, or a smaller --attack-step, is against it\n",
      styled_error(Style::yellow, "note:").c_str(), robust_.last, before.best,
      long(before.best_epoch), scores.train.top1, run_file::best_robust, long(before.best_epoch));
  return is_best;
}

void Training::say_robust() const {
  if (robust_.best < 0) return;
  const int64_t images = robust_images_.size();
  char after[120] = "";
  if (robust_.collapsed)
    std::snprintf(after, sizeof after, "; the last epoch's %.2f %% follow a collapse in epoch %ld",
                  robust_.last, long(robust_.collapsed));
  else if (robust_.lost() > 0)
    std::snprintf(after, sizeof after, "; the last epoch's lies %.2f points below it%s",
                  robust_.lost(),
                  robust_.overfits(images) ? " (robust overfitting)"
                                           : ", which a sample of that size may differ by");
  say("Best robust top-1: %.2f %% in epoch %ld, of %ld validation images under PGD-10%s.\n",
      robust_.best, long(robust_.best_epoch), long(images), after);
}

void Training::summary(double seconds) {
  const int64_t epochs = position().epoch - epochs_before_;
  say("\nTrained %ld epoch%s in %s; peak memory %s.\n", long(epochs), epochs == 1 ? "" : "s",
      clock(seconds).c_str(), megabytes(double(memory_stats(device_).peak)).c_str());
  say("Waiting for images took %.1f %% of the time of training.\n", 100 * waited_ / trained_);
  say("Best validation top-1: %.2f %%.\n", best_);
  say_robust();
  say_weights_size(path(run_file::best), run_file::best, trainer_.network().parameter_count(),
                   options_.weights_as == WeightsAs::half);
  if (device_.kind() != Device::Kind::cpu)
    for (auto& line : conv_choices(device_)) say("%s\n", line.c_str());
  say("Files in %s:\n", printable(options_.folder->path()).c_str());
  const std::pair<const char*, const char*> files[] = {
      {run_file::best, "the weights of the best epoch; PyTorch's names and axes"},
      {run_file::best_robust, "those of the epoch that withstood attacks best"},
      {run_file::last, "the weights of the last epoch"},
      {run_file::state, "what --resume needs beside them"},
      {run_file::best_state, "the same of the best epoch"},
      {run_file::best_robust_state, "the same of the epoch that withstood attacks best"},
      {run_file::report, "all about the run, for a browser"},
      {run_file::metrics, "loss and accuracy of each epoch"},
      {run_file::iterations, "loss and more of each step"},
      {run_file::curves, "curves as a picture"},
      {run_file::tensorboard, "the same for tensorboard --logdir"},
      {run_file::config, "the commands and flags of the run"}};
  for (auto& [file, what] : files)
    if (std::filesystem::exists(path(file))) say("  %-24s %s\n", file, what);
}

}  // namespace tweed::app
