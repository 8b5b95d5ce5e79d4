// Says in detail what a network gets right and wrong. See --help.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "apps/app.h"
#include "apps/flags.h"
#include "apps/json_output.h"
#include "apps/network_flags.h"
#include "apps/numbers.h"
#include "apps/run_folder.h"
#include "apps/weights_size.h"
#include "data/whole_file.h"
#include "kernels/machine/printable.h"
#include "record/draw/confusion.h"
#include "train/report.h"

using namespace tweed;
using namespace tweed::app;

namespace {

struct Work {
  Checkpoint checkpoint;
  DataSplits data;
  std::optional<PgdOptions> attack;
  std::string weights, method = "pgd", csv, picture;
  Device device;
  int workers = 2, wrong = 10;
  bool json = false;

  const CheckpointInfo& info() const { return checkpoint.info; }
  const Dataset& images() const { return data.validation; }
  const std::string& name(int64_t label) const { return info().classes[std::size_t(label)]; }
  int run();
  Answers ask(bool attacked) const;
  void print(const char* what, const Report& report) const;
  void print_wrong(const Answers& answers) const;
  void write_csv(const Answers& clean, const Answers* attacked) const;
  Json described(const Report& report) const;
  bool is_half() const;
};

// As evaluate_shown() does it.
Answers Work::ask(bool attacked) const {
  EvaluateOptions options = evaluation_of(info(), workers);
  ProgressLine line;
  if (attacked) options.attack = attack_of(method, interruptible(*attack), device);
  options.progress = [&](int64_t done, int64_t total) {
    line.update(attacked ? "Attacking" : "Evaluating", done, total,
                std::to_string(done) + "/" + std::to_string(total));
  };
  Answers answers = answers_on(*checkpoint.network, images(), options);
  line.clear();
  return answers;
}

// Classes by how often they are right, the worst first; those without images are left out.
std::vector<std::size_t> by_accuracy(const Report& report) {
  std::vector<std::size_t> order;
  for (std::size_t c = 0; c < report.right.size(); ++c)
    if (report.counts[c]) order.push_back(c);
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return report.right[a] < report.right[b]; });
  return order;
}

// Pairs of a true class and another that it was taken for, the most frequent first.
std::vector<std::pair<int64_t, int64_t>> confused(const Report& report) {
  const auto classes = int64_t(report.counts.size());
  std::vector<std::pair<int64_t, int64_t>> pairs;
  for (int64_t a = 0; a < classes; ++a)
    for (int64_t b = 0; b < classes; ++b)
      if (a != b && report.confusion[std::size_t(a * classes + b)]) pairs.emplace_back(a, b);
  auto count = [&](auto& pair) {
    return report.confusion[std::size_t(pair.first * classes + pair.second)];
  };
  std::stable_sort(pairs.begin(), pairs.end(),
                   [&](auto& a, auto& b) { return count(a) > count(b); });
  return pairs;
}

void Work::print(const char* what, const Report& report) const {
  constexpr std::size_t shown = 5;
  const auto order = by_accuracy(report);
  const auto classes = int64_t(report.counts.size());
  say("%s: %s\n", what, text(report.score, info().image_size).c_str());
  say("  mean per class %.2f %%, mAP %.2f %%, calibration error %.2f %%\n", report.class_mean,
      report.map, report.calibration.error);
  // Below or above the mean: where all are alike, none is the worst or the best.
  auto list = [&](const char* which, auto first, double sign) {
    std::vector<std::string> words;
    for (auto c = first; words.size() < std::min(shown, order.size()); ++c) {
      if (sign * (report.right[*c] - report.class_mean) <= 0) break;
      words.push_back(printable(name(int64_t(*c)), 60) + formatted(" %.1f %%", report.right[*c]));
    }
    if (!words.empty()) say("  %s: %s\n", which, joined(words).c_str());
  };
  list("worst classes", order.begin(), -1);
  list("best classes", order.rbegin(), 1);
  std::vector<std::string> words;
  for (auto& [a, b] : confused(report)) {
    if (words.size() == shown) break;
    const int64_t count = report.confusion[std::size_t(a * classes + b)];
    words.push_back(printable(name(a), 60) + " taken for " + printable(name(b), 60) + " (" +
                    counted(count, "time") + ")");
  }
  if (!words.empty()) say("  most confused: %s\n", joined(words).c_str());
}

// The surest mistakes first.
void Work::print_wrong(const Answers& answers) const {
  std::vector<int64_t> mistakes;
  for (int64_t i = 0; i < answers.size(); ++i)
    if (answers.predicted(i) != answers.labels[std::size_t(i)]) mistakes.push_back(i);
  auto sureness = [&](int64_t i) { return answers.probability(i, answers.predicted(i)); };
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [&](int64_t a, int64_t b) { return sureness(a) > sureness(b); });
  if (wrong == 0 || mistakes.empty()) return;
  say("Wrong, the surest first (%s of %zu):\n",
      counted(std::min<int64_t>(wrong, int64_t(mistakes.size())), "image").c_str(),
      mistakes.size());
  for (std::size_t k = 0; k < std::min(mistakes.size(), std::size_t(wrong)); ++k) {
    const int64_t i = mistakes[k];
    say("  %s: %s, taken for %s %.2f\n", printable(images().path(i)).c_str(),
        printable(name(answers.labels[std::size_t(i)]), 60).c_str(),
        printable(name(answers.predicted(i)), 60).c_str(), double(sureness(i)));
  }
}

// A field of RFC 4180.
std::string field(const std::string& text) {
  if (text.find_first_of("\",\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

void Work::write_csv(const Answers& clean, const Answers* attacked) const {
  std::string table = "file,label,answer,probability";
  if (attacked) table += ",attacked_answer,attacked_probability";
  table += "\n";
  auto add = [&](const Answers& answers, int64_t i) {
    char number[32];
    std::snprintf(number, sizeof number, "%.6f",
                  double(answers.probability(i, answers.predicted(i))));
    table += "," + field(name(answers.predicted(i))) + "," + number;
  };
  for (int64_t i = 0; i < clean.size(); ++i) {
    table += field(images().path(i)) + "," + field(name(clean.labels[std::size_t(i)]));
    add(clean, i);
    if (attacked) add(*attacked, i);
    table += "\n";
  }
  WholeFile file(csv);
  file.write(table);
  file.commit();
}

Json Work::described(const Report& r) const {
  Json classes;
  for (std::size_t c = 0; c < r.counts.size(); ++c)
    classes[name(int64_t(c))] = {{"images", r.counts[c]},
                                 {"top1", json_number(r.right[c])},
                                 {"average_precision", json_number(r.precisions[c])}};
  Json all = json_of(r.score, info().image_size);
  all["class_mean"] = json_number(r.class_mean);
  all["map"] = json_number(r.map);
  all["calibration"] = json_of(r.calibration);
  all["classes"] = classes;
  all["confusion"] = r.confusion;
  return all;
}

// Whether the file has most of its weights in two bytes each.
bool Work::is_half() const {
  std::error_code none;
  const auto bytes = std::filesystem::file_size(weights, none);
  return !none && double(bytes) < 3.0 * double(checkpoint.network->parameter_count());
}

int Work::run() {
  const Answers clean = ask(false);
  if (interrupted()) return 130;
  const Report report = report_on(clean);
  if (!json) say_weights_size(weights, weights, checkpoint.network->parameter_count(), is_half());
  if (!json) print("clean", report);
  std::optional<Answers> attacked;
  std::optional<Report> under;
  if (attack) {
    attacked = ask(true);
    if (interrupted()) return 130;
    under = report_on(*attacked);
    if (!json) print("attacked", *under);
  }
  if (!json) print_wrong(clean);
  if (!csv.empty()) write_csv(clean, attacked ? &*attacked : nullptr);
  if (!picture.empty())
    write_png(picture,
              draw_confusion(info().classes, report.confusion,
                             info().model + ", " + std::to_string(clean.size()) + " images"));
  for (auto& file : {csv, picture})
    if (!file.empty()) say("wrote %s\n", printable(file).c_str());
  if (json) {
    std::error_code none;
    Json all{{"weights",
              {{"file", weights},
               {"bytes", std::filesystem::file_size(weights, none)},
               {"parameters", checkpoint.network->parameter_count()}}},
             {"clean", described(report)}};
    if (under) all["attacked"] = described(*under);
    print_json(all);
  }
  return 0;
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App app(
      "Says in detail what a network gets right and wrong: accuracy of each class, mean average "
      "precision, calibration error, classes that are taken for others, and the surest "
      "mistakes.\n\n"
      "  evaluate runs/train DATA\n"
      "  evaluate runs/train DATA --attack --eps 4/255 --csv answers.csv --confusion matrix.png\n"
      "  evaluate resnet20.safetensors --model resnet20 datasets/cifar-10-batches-bin\n",
      "evaluate");
  NetworkFlags network;
  auto work = std::make_shared<Work>();
  DataFlags data;
  DeviceFlags device;
  AttackFlags attack;
  bool attacked = false;
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  network.add_checkpoint_to(app);
  network.add_to(app);
  add_whole(app, "--images", data.validation_images, {0, 1'000'000'000},
            "N validation images only, as many of each class; 0: all");
  add_whole(app, "--wrong", work->wrong, {0, 1'000'000}, "wrong answers to name");
  app.add_option("--csv", work->csv, "write every image's answer to this file")->type_name("FILE");
  app.add_option("--confusion", work->picture, "draw which classes are taken for which (PNG)")
      ->type_name("FILE");
  add_json_to(app, work->json);
  app.add_flag("-a,--attack", attacked, "the same images under attack, too");
  data.add_to(app, "of the attack, and of tiny's images");
  attack.add_to(app);
  device.add_to(app);
  parse(app, argc, argv);
  attack.check();
  if (!attacked)
    note_unused(given(app,
                      [](const CLI::Option& o) {
                        const std::string name = o.get_name();
                        return name.starts_with("--attack-") || name == "--eps-space" ||
                               name == "--goal" || name == "--no-random-start" ||
                               name == "--coursework";
                      }),
                "without --attack");

  work->device = device.open();
  work->checkpoint = network.open(app);
  work->weights = weights_file(network.weights);
  CheckpointInfo& info = work->checkpoint.info;
  if (attacked) work->attack = attack.options(info, data.seed);
  work->method = attack.method;
  work->workers = data.workers;
  data.match(info);
  data.any_names = !network.has_names();
  if (!work->picture.empty()) check_output_file(work->picture);
  if (!work->csv.empty()) make_output_folder(folder_of(work->csv));
  work->data = open_validation(data, work->checkpoint, work->device);
  return [work] { return work->run(); };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("evaluate", [&] { return prepare(argc, argv); });
}
