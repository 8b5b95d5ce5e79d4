// Draws what a network has learnt: filters, feature maps, class models. See --help.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "apps/app.h"
#include "apps/drawings/explain_flags.h"
#include "apps/drawings/photos.h"
#include "apps/flags.h"
#include "apps/network_flags.h"
#include "apps/numbers.h"
#include "apps/run_figures.h"
#include "explain/class_model.h"
#include "explain/feature_maps.h"
#include "explain/layer_tap.h"
#include "kernels/machine/printable.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"
#include "record/draw/figure.h"

using namespace tweed;
using namespace tweed::app;

namespace {

struct Flags {
  NetworkFlags network;
  DeviceFlags device;
  bool filters = false;
  std::string photo, layers, classes, out = "inspect";
  int64_t channels = 5;
  ClassModelOptions ascent;
};

void add_flags(CLI::App& app, Flags& f) {
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  f.network.add_checkpoint_to(app);
  app.add_flag(
      "--filters", f.filters,
      "the first convolution's filters, sixteen in a row, each stretched to full contrast: "
      "NAME-filters.png");
  app.add_option("--maps", f.photo,
                 "a photo, of which feature maps are drawn, each stretched to 0..1: NAME-maps.png")
      ->type_name("PHOTO");
  app.add_option("--layers", f.layers,
                 "of --maps, with commas between them; default: an early, a middle and a late one")
      ->type_name("NAME,...");
  add_whole(app, "--channels", f.channels, {1, 64},
            "of --maps, in each layer: those that vary most");
  app.add_option("--classes", f.classes,
                 "by name or number, with commas between them: images that the network takes for "
                 "them, by ascent: NAME-classes.png")
      ->type_name("CLASS,...");
  add_whole(app, "--steps", f.ascent.steps, {1, 100000}, "of ascent");
  add_number(app, "--rate", f.ascent.rate, above_zero, "of ascent, in normalised values");
  add_number(app, "--decay", f.ascent.decay, below_one, "part of the image that a step takes off");
  add_whole(app, "--jitter", f.ascent.jitter, {0, 64}, "pixels of random shift before a step");
  add_whole(app, "--blur-every", f.ascent.blur_every, {0, 100000}, "steps; 0: no blur");
  add_seed(app, f.ascent.seed, "of ascent's start and shifts");
  app.add_option("--out", f.out, "where pictures go: NAME, to which -filters.png etc. is added")
      ->type_name("NAME")
      ->capture_default_str();
  f.network.add_to(app);
  f.network.add_sizes_to(app);
  f.device.add_to(app);
}

void check_use(const CLI::App& app, const Flags& f) {
  if (!f.filters && f.photo.empty() && f.classes.empty())
    throw Error("nothing to draw: give --filters, --maps PHOTO or --classes CLASS,...");
  const auto belongs = [&](const char* flag, const std::string& other, const char* whose) {
    if (app.get_option(flag)->count() && other.empty())
      throw Error(std::string(flag) + " belongs to " + whose);
  };
  for (const char* flag : {"--layers", "--channels"}) belongs(flag, f.photo, "--maps");
  for (const char* flag : {"--steps", "--rate", "--decay", "--jitter", "--blur-every", "--seed"})
    belongs(flag, f.classes, "--classes");
}

struct Work {
  Checkpoint checkpoint;
  Device device;
  std::string out;
  Image filters;                    // no pixels: not asked for
  Samples photo;                    // none or one
  std::vector<std::string> layers;  // of its maps
  int64_t channels;
  std::vector<int32_t> classes;  // of class models
  ClassModelOptions ascent;

  int run();
  void draw_filters() const;
  void draw_maps() const;
  void draw_classes() const;
  void write(const std::string& what, const Sheet& sheet) const;
};

void Work::write(const std::string& what, const Sheet& sheet) const {
  const std::string path = out + "-" + what + ".png";
  check_output_file(path);
  write_sheet(path, sheet);
  say("wrote %s\n", printable(path).c_str());
}

void Work::draw_filters() const {
  Sheet sheet;
  sheet.title = "First filters of " + checkpoint.info.model;
  sheet.notes = {"Each from its least value (0) to its largest (1), colour by colour."};
  sheet.scaling = Scaling::nearest;
  // Whole screen pixels for each of a filter's.
  sheet.cell_size = filters.width * std::max(1, 1024 / filters.width);
  sheet.rows = {{{filters, {}}}};
  write("filters", sheet);
}

std::string short_number(double v) {
  char text[40];
  std::snprintf(text, sizeof text, std::abs(v) >= 100 ? "%.0f" : "%.2g", v);
  return text;
}

void Work::draw_maps() const {
  const Tensor x = normalized(photo.images, checkpoint.info, device);
  Sheet sheet;
  sheet.title = "Feature maps of " + checkpoint.info.model;
  sheet.notes = {"The channels that vary most, each from its least value (black) to its largest."};
  sheet.scaling = Scaling::nearest;
  sheet.cell_size = 160;
  for (auto& layer : layers) {
    auto& row = sheet.rows.emplace_back();
    if (sheet.rows.size() == 1)
      row.push_back({photo.images[0], {photo.names[0]}});
    else
      row.emplace_back();
    for (auto& map : feature_maps(*checkpoint.network, x, layer, channels))
      row.push_back({map.image,
                     {layer, "channel " + std::to_string(map.channel),
                      short_number(map.least) + " to " + short_number(map.largest)}});
  }
  write("maps", sheet);
}

void Work::draw_classes() const {
  const CheckpointInfo& info = checkpoint.info;
  std::vector<Cell> cells;
  for (int32_t target : classes) {
    const Tensor x = class_model(*checkpoint.network, target, ascent);
    if (interrupted()) return;
    const EvalMode eval(*checkpoint.network);
    const NoGrad no_grad;
    const auto all = top_classes(forward_float(*checkpoint.network, x), info.classes,
                                 int64_t(info.classes.size()))[0];
    const auto answer =
        *std::find_if(all.begin(), all.end(), [&](const Answer& a) { return a.label == target; });
    cells.push_back({pixels_of(x.reshape({x.dim(1), x.dim(2), 3}), info), {said(answer, -1)}});
    say("%s: %.2f\n", printable(answer.name).c_str(), answer.probability);
  }
  Sheet sheet;
  sheet.title = "What " + info.model + " takes for these classes";
  sheet.notes = {"Made from grey by going up the class's score, with decay, shifts and blur."};
  sheet.scaling = scaling_for(info.image_size);
  sheet.rows = in_rows(cells, std::min<int>(5, int(cells.size())));
  write("classes", sheet);
}

int Work::run() {
  if (filters.width) draw_filters();
  if (!photo.images.empty()) draw_maps();
  if (!classes.empty() && !interrupted()) draw_classes();
  return interrupted() ? 130 : 0;
}

// Everything that was named, before anything is drawn.
void look_up(Work& work, const Flags& f) {
  const CheckpointInfo& info = work.checkpoint.info;
  Module& network = *work.checkpoint.network;
  if (f.filters) {
    work.filters = first_filters(network);
    if (!work.filters.width)
      throw Error("--filters: the first convolution of this network is none of pixels' colours");
  }
  if (!f.classes.empty())
    for (auto& name : listed(f.classes, "--classes"))
      work.classes.push_back(class_called(name, info.classes, "--classes"));
  if (f.photo.empty()) return;
  std::error_code none;
  if (std::filesystem::is_directory(f.photo, none))
    throw Error("--maps takes one photo, no folder");
  Photos photos({f.photo}, info, f.network.squash);
  work.photo = photos.next(1);
  if (work.photo.images.empty()) throw Done{2};  // what is wrong with it was said
  const Tensor x = normalized(work.photo.images, info, work.device);
  work.layers = f.layers.empty() ? early_middle_late(network, x) : listed(f.layers, "--layers");
  if (work.layers.empty()) throw Error("--maps: no layer of this network gives a map of the image");
  for (auto& layer : work.layers) feature_maps(network, x, layer, 1);
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App app(
      "Draws what a network has learnt: its first filters, what its layers make of a photo, and "
      "images that it takes for a class.\n\n"
      "  inspect runs/demo --filters\n"
      "  inspect runs/demo --maps beach.jpg --layers conv1,conv4,conv7\n"
      "  inspect runs/demo --classes coast,mountain --steps 400\n",
      "inspect");
  Flags f;
  add_flags(app, f);
  parse(app, argc, argv);
  check_use(app, f);
  const Device device = f.device.open();
  auto work = std::make_shared<Work>(
      Work{f.network.open(app), device, f.out, {}, {}, {}, f.channels, {}, f.ascent});
  const CheckpointInfo& info = work->checkpoint.info;
  check_output_file(f.out + "-maps.png");
  work->checkpoint.network->to(device);
  if (f.network.crop || f.network.foreign()) check_image_size(*work->checkpoint.network, info);
  work->ascent.height = work->ascent.width = info.image_size;
  std::vector<float> low, high;
  for (std::size_t c = 0; c < 3; ++c) {
    low.push_back(-info.mean[c] / info.std[c]);
    high.push_back((1 - info.mean[c]) / info.std[c]);
  }
  work->ascent.low = Tensor::from(low, {3});
  work->ascent.high = Tensor::from(high, {3});
  work->ascent.cancelled = interrupted;
  look_up(*work, f);
  return [work] { return work->run(); };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("inspect", [&] { return prepare(argc, argv); });
}
