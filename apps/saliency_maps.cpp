// Draws which pixels a network's decisions depend on. See --help.
#include <cstdio>
#include <filesystem>

#include "apps/app.h"
#include "apps/flags.h"
#include "apps/numbers.h"
#include "apps/run_folder.h"
#include "apps/sheets.h"
#include "data/cifar10.h"
#include "data/folder_walk.h"
#include "kernels/machine/printable.h"

using namespace tweed;
using namespace tweed::app;

namespace {

bool is_data(const std::string& name) {
  std::error_code ignored;
  return name == "tiny" || std::filesystem::is_directory(name, ignored) || is_cifar10(name);
}

struct Flags {
  std::string file, out = "saliency.png";
  std::vector<std::string> inputs{"tiny"};
  int count = 12;
  DataFlags data;
  DeviceFlags device;
  CLI::Option *count_option = nullptr, *seed_option = nullptr;

  // A photo that is missing should not be looked for as a data set.
  bool photos() const {
    const std::string& first = inputs[0];
    return inputs.size() > 1 ||
           (!is_data(first) && (std::filesystem::exists(first) || is_image_name(first)));
  }
};

void add_flags(CLI::App& app, Flags& f) {
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("checkpoint", f.file,
                 "weights written by train_miniplaces, or a run's folder: its best")
      ->required();
  app.add_option("inputs", f.inputs,
                 "tiny, a folder of data (its validation images), or image files")
      ->type_name("DATA|IMAGES")
      ->take_all()
      ->capture_default_str();
  app.add_option("--out", f.out, "the picture to write (PNG)")->capture_default_str();
  f.count_option = add_whole(app, "--count", f.count, {1, 1000}, "how many images of DATA");
  f.seed_option = add_seed(app, f.data.seed, "of tiny's images");
  f.device.add_to(app);
}

void check_use(const Flags& f) {
  const bool photos = f.photos();
  if (f.inputs.size() > 1)
    for (auto& input : f.inputs)
      if (is_data(input))
        throw Error("give one DATA, or image files: " + in_quotes(input) + " is no file");
  if (photos && f.count_option->count())
    throw Error("--count belongs to DATA: photos are all drawn");
  if (f.seed_option->count() && (photos || f.inputs[0] != "tiny"))
    throw Error("--seed belongs to tiny, whose images it draws");
}

Samples read_photos(const std::vector<std::string>& files, const CheckpointInfo& info) {
  Samples samples;
  for (auto& file : files) {
    if (interrupted()) throw Error("stopped while reading photos");
    add_photo(samples, file, info);
  }
  if (samples.images.empty()) throw Error("no photo could be read");
  return samples;
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App app(
      "Draws gradient saliency beside each image: the absolute gradient of the loss of the "
      "predicted class, largest over colour channels, as in the coursework.\n\n"
      "  saliency_maps runs/demo/best.safetensors tiny\n"
      "  saliency_maps best.safetensors beach.jpg kitchen.png --out maps.png\n",
      "saliency_maps");
  Flags f;
  add_flags(app, f);
  parse(app, argc, argv);
  check_use(f);

  Device device = f.device.open();
  auto checkpoint = std::make_shared<Checkpoint>(load_checkpoint(weights_file(f.file)));
  const CheckpointInfo& info = checkpoint->info;
  check_output_file(f.out);
  auto samples = std::make_shared<Samples>();
  if (f.photos()) {
    *samples = read_photos(f.inputs, info);
  } else {
    f.data.data = f.inputs[0];
    f.data.use(info);
    DataSplits splits = f.data.open(Splits::validation);
    f.data.check_classes(info, splits.validation);
    *samples = pick_samples(splits.validation, info, f.count);
  }
  checkpoint->network->to(device);
  const bool all = !f.photos() || samples->images.size() == f.inputs.size();
  return [=, out = f.out] {
    if (!write_saliency_sheet(out, *checkpoint, *samples, device)) return 130;
    print_written(out, *samples, checkpoint->info);
    return all ? 0 : 1;
  };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("saliency_maps", [&] { return prepare(argc, argv); });
}
