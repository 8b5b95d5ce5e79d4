// Attacks a network and says how well it stands. See --help.
#include <cstdio>
#include <optional>

#include "apps/app.h"
#include "apps/drawings/sheets.h"
#include "apps/flags.h"
#include "apps/json_output.h"
#include "apps/network_flags.h"
#include "apps/numbers.h"
#include "attacks/self_test.h"
#include "kernels/machine/printable.h"
#include "record/draw/curves.h"

using namespace tweed;
using namespace tweed::app;

namespace {

// A figure that was not measured is null.
Json json_figure(double value) { return value < 0 ? Json() : Json(value); }

// A network and the name that it goes by.
struct Attacked {
  std::string name;
  Checkpoint checkpoint;
  const CheckpointInfo& info() const { return checkpoint.info; }
};

// What is attacked, and how.
struct Work {
  std::vector<Attacked> networks;  // one, or with --compare two
  DataSplits data;
  AttackFlags flags;
  PgdOptions attack;  // with the last eps and steps
  Device device;
  int workers = 0;
  uint64_t seed = 0;
  std::string out, curve = "attack_curve.png";
  bool json = false;
  Json results;

  Checkpoint& checkpoint() { return networks[0].checkpoint; }
  const CheckpointInfo& info() const { return networks[0].info(); }
  const std::string& method() const { return flags.method; }
  bool compares() const { return networks.size() > 1; }
  bool is_table() const { return compares() || flags.eps.size() > 1 || flags.steps.size() > 1; }
  std::optional<Score> measure(const Attacked& network, const PgdOptions* under);
  bool print(const char* what, const PgdOptions* under);
  bool print_tables();
  bool print_table(const Attacked& network, Plot& plot);
  void print_row(int steps, const std::vector<double>& top1) const;
  int examine();
  int run();
};

// Nothing after Ctrl-C.
std::optional<Score> Work::measure(const Attacked& network, const PgdOptions* under) {
  EvaluateOptions options = evaluation_of(network.info(), workers);
  if (under) options.attack = attack_of(method(), interruptible(*under), device);
  const Score score = evaluate_shown(*network.checkpoint.network, data.validation, options);
  if (interrupted()) return {};
  return score;
}

// False after Ctrl-C.
bool Work::print(const char* what, const PgdOptions* under) {
  const auto score = measure(networks[0], under);
  if (!score) return false;
  results[what] = json_of(*score, info().image_size);
  say("%-10s%s\n", what, text(*score, info().image_size).c_str());
  std::fflush(stdout);
  return true;
}

void Work::print_row(int steps, const std::vector<double>& top1) const {
  std::string row;
  for (double each : top1) row += formatted("%12.2f", each);
  say("%9d %s\n", steps, row.c_str());
  std::fflush(stdout);
}

// A network's top-1 for each eps and each number of steps, as a table and as curves. False after
// Ctrl-C.
bool Work::print_table(const Attacked& network, Plot& plot) {
  const std::vector<double> all_eps =
      flags.eps.empty() ? std::vector<double>{flags.last_eps()} : flags.eps;
  const std::vector<int> all_steps =
      flags.steps.empty() ? std::vector<int>{flags.last_steps()} : flags.steps;
  const auto clean = measure(network, nullptr);
  if (!clean) return false;
  Json found{{"weights", network.name}, {"table", Json::array()}};
  found["clean"] = json_of(*clean, info().image_size);
  if (compares()) say("%s (clean %.2f)\n", printable(network.name).c_str(), clean->top1);
  const bool by_255 = attack.space.norm == Norm::linf && keeps_pixels(attack.space);
  for (int steps : all_steps) {
    const std::string of = compares() ? printable(network.name, 30) + ", " : "";
    Series series{of + counted(steps, "step"), {0}, {clean->top1}};
    std::vector<double> row;
    for (double eps : all_eps) {
      const PgdOptions options = flags.options(network.info(), seed, eps, steps);
      const auto score = measure(network, &options);
      if (!score) return false;
      row.push_back(score->top1);
      series.x.push_back(by_255 ? 255 * eps : eps);
      series.y.push_back(score->top1);
      Json entry = json_of(*score, info().image_size);
      entry["eps"] = eps;
      entry["steps"] = steps;
      found["table"].push_back(entry);
    }
    print_row(steps, row);
    plot.series.push_back(series);
  }
  if (compares())
    results["compared"].push_back(found);
  else
    results["table"] = found["table"];
  return true;
}

// Of each network a table, and all in one picture. False after Ctrl-C.
bool Work::print_tables() {
  std::string head;
  const std::vector<std::string> texts =
      flags.eps_texts.empty() ? std::vector<std::string>{formatted("%.4g", flags.last_eps())}
                              : flags.eps_texts;
  for (auto& text : texts) head += formatted("%12s", printable(text, 11).c_str());
  say("top-1 in per cent under attack, by eps and steps:\n    steps %s\n", head.c_str());
  Plot plot{.title = "Top-1 in per cent", .x_label = "eps", .series = {}};
  if (attack.space.norm == Norm::linf && keeps_pixels(attack.space))
    plot.x_label = "eps, in 255ths of a pixel's range";
  for (auto& network : networks)
    if (!print_table(network, plot)) return false;
  const std::string who = compares() ? "Two networks" : info().model;
  draw_curves(curve, who + " under " + attack_kind(method()).title, {plot});
  say("wrote %s\n", printable(curve).c_str());
  results["curve"] = curve;
  return true;
}

// The verdict on the attack itself. Returns the exit code.
int Work::examine() {
  // Those that take thousands of passes look at fewer images.
  const bool slow = attack.steps * attack.restarts * attack.draws > 200 || method() == "autoattack";
  const Samples samples = pick_samples(data.validation, info(), slow ? 50 : 200);
  const Tensor labels = Tensor::from(samples.labels, {int64_t(samples.labels.size())}, device);
  const SelfTest test =
      self_test(*checkpoint().network, normalized(samples.images, info(), device), labels,
                interruptible(attack), examinable(method()), expected_of(method()));
  if (interrupted()) return 130;
  const std::size_t count = samples.images.size();
  say("self-test on %zu image%s of %s, top-1: clean %.1f %%, noise of the same size %.1f %%, "
      "attacked %.1f %%, with 4x the steps %.1f %%\n",
      count, count == 1 ? "" : "s", size_text(info()).c_str(), test.clean, test.noise,
      test.attacked, test.longer);
  char black_box[60] = "", unbounded[60] = "";
  if (test.black_box >= 0)
    std::snprintf(black_box, sizeof black_box, "; top-1 under 100 queries of Square %.1f %%",
                  test.black_box);
  if (test.unbounded >= 0)
    std::snprintf(unbounded, sizeof unbounded, "; with the largest eps %.1f %%", test.unbounded);
  // One sentence, so that it is broken where the terminal ends.
  say("  changes in %s: mean %.4g, largest %.4g; %.1f %% of the gradient is 0%s%s\n",
      name_of(attack.space.norm).c_str(), test.mean_size, test.largest_size, test.zero_gradients,
      black_box, unbounded);
  std::fflush(stdout);
  results["self_test"] = {{"images", count},
                          {"clean", test.clean},
                          {"noise", test.noise},
                          {"attacked", test.attacked},
                          {"longer", test.longer},
                          {"black_box", json_figure(test.black_box)},
                          {"unbounded", json_figure(test.unbounded)},
                          {"zero_gradients", test.zero_gradients},
                          {"mean_size", test.mean_size},
                          {"largest_size", test.largest_size},
                          {"passed", test.ok()},
                          {"failures", test.failures},
                          {"warnings", test.warnings}};
  for (auto& text : test.failures)
    say_error("%s: %s\n", styled_error(Style::red, "self-test FAILED").c_str(), text.c_str());
  for (auto& text : test.warnings)
    say_error("%s: %s\n", styled_error(Style::yellow, "self-test warning").c_str(), text.c_str());
  if (!test.ok()) return 1;
  say("%s: %s%s\n", styled(Style::green, "self-test passed").c_str(),
      test.had_room ? "the loss moved the right way, and no pixel left its bounds"
                    : "eps lets no pixel change, and the loss stayed",
      test.warnings.empty() ? "" : " (see the warnings)");
  return 0;
}

int Work::run() {
  if (!print("clean", nullptr)) return 130;
  if (is_table() ? !print_tables() : !print("attacked", &attack)) return 130;
  say("%s; %s\n", attack_text(method(), attack, info()).c_str(),
      spaces_text(attack, info()).c_str());
  const Samples samples = pick_samples(data.validation, info(), 8);
  if (!write_attack_sheet(out, checkpoint(), samples, method(), attack, device)) return 130;
  print_written(out, samples, info());
  results["picture"] = out;
  const int code = examine();
  if (json && code != 130) print_json(results);
  return code;
}

// The network of --compare. Both see the same images, so they are of one kind and size.
Attacked other_network(const Attacked& first, NetworkFlags flags, const std::string& path,
                       const CLI::App& app) {
  flags.weights = path;
  Attacked other{path, flags.open(app)};
  const CheckpointInfo &a = first.info(), &b = other.info();
  const std::string both = printable(path) + " and " + printable(first.name);
  if (a.classes.size() != b.classes.size())
    throw Error(both + " know " + std::to_string(b.classes.size()) + " and " +
                std::to_string(a.classes.size()) + " classes, and cannot be compared");
  if (flags.has_names() && a.classes != b.classes)
    throw Error(both + " know other classes, or in another order, and cannot be compared");
  if (a.image_size != b.image_size && !app.count("--image-size"))
    throw Error(both + " see images of " + size_text(b) + " and " + size_text(a) +
                "; --image-size gives both the same");
  return other;
}

// As the first sees DATA.
void settle(Attacked& other, const Attacked& first, Device device) {
  CheckpointInfo& info = other.checkpoint.info;
  info.classes = first.info().classes;
  info.load_size = first.info().load_size;
  info.image_size = first.info().image_size;
  other.checkpoint.network->to(device);
  check_image_size(*other.checkpoint.network, info);
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App app(
      "Attacks a network, by projected gradient descent (PGD) or another method, and prints its "
      "accuracy on clean and on attacked images.\n\n"
      "  pgd_attack runs/demo/best.safetensors tiny --eps 8/255 --steps 10\n"
      "  pgd_attack runs/demo tiny --eps 1/255,2/255,4/255,8/255 --steps 1,10,50    (a table)\n"
      "  pgd_attack runs/normal tiny --compare runs/pgd --eps 2/255,4/255,8/255\n"
      "  pgd_attack runs/demo tiny --method autoattack --eps 8/255\n"
      "  pgd_attack best.safetensors DATA --coursework\n",
      "pgd_attack");
  NetworkFlags network;
  auto work = std::make_shared<Work>();
  work->out = "attack.png";
  DataFlags data;
  DeviceFlags device_flags;
  AttackFlags& attack_flags = work->flags;
  attack_flags.lists = true;
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  network.add_checkpoint_to(app);
  network.add_to(app);
  add_whole(app, "--images", data.validation_images, {0, 1'000'000'000},
            "attack N validation images only, as many of each class; 0: all");
  app.add_option("--out", work->out, "the picture to write (PNG)")->capture_default_str();
  app.add_option("--curve", work->curve, "the picture of several eps or steps (PNG)")
      ->capture_default_str();
  std::string compared;
  app.add_option("--compare", compared,
                 "a second network's weights, as WEIGHTS: accuracies of both as tables and in one "
                 "picture. Flags hold for both; the sheet and the self-test are of WEIGHTS")
      ->type_name("WEIGHTS");
  add_json_to(app, work->json);
  data.add_to(app, "of the attack, and of tiny's images");
  attack_flags.add_to(app);
  device_flags.add_to(app);
  parse(app, argc, argv);
  attack_flags.check();

  work->device = device_flags.open();
  work->networks.push_back({network.weights, network.open(app)});
  if (app.count("--compare"))
    work->networks.push_back(other_network(work->networks[0], network, compared, app));
  CheckpointInfo& info = work->checkpoint().info;
  for (double eps : attack_flags.eps) attack_flags.options(info, data.seed, eps, 1);
  work->attack = attack_flags.options(info, data.seed);
  work->workers = data.workers;
  work->seed = data.seed;
  data.match(info);
  data.any_names = !network.has_names();
  check_output_file(work->out);
  if (work->is_table())
    check_output_file(work->curve);
  else if (app.count("--curve"))
    note_unused("--curve", "without several eps or steps, or --compare");
  work->data = open_validation(data, work->checkpoint(), work->device);
  if (work->compares()) settle(work->networks[1], work->networks[0], work->device);
  return [work] { return work->run(); };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("pgd_attack", [&] { return prepare(argc, argv); });
}
