// Draws which pixels a network's decisions depend on. See --help.
#include <cstdio>
#include <filesystem>

#include "apps/app.h"
#include "apps/flags.h"
#include "apps/sheets.h"

using namespace tweed;
using namespace tweed::app;

namespace {

bool is_photo(const std::string& path) { return std::filesystem::is_regular_file(path); }

std::function<int()> prepare(int argc, char** argv) {
  CLI::App app(
      "Draws gradient saliency beside each image: the absolute gradient of the loss of the "
      "predicted "
      "class, largest over colour channels, as in the coursework.\n\n"
      "  saliency_maps runs/demo/best.safetensors tiny\n"
      "  saliency_maps best.safetensors beach.jpg kitchen.png --out maps.png\n",
      "saliency_maps");
  std::string file, out = "saliency.png";
  std::vector<std::string> inputs{"tiny"};
  int count = 12;
  DataFlags data;
  DeviceFlags device_flags;
  app.add_option("checkpoint", file, "weights written by train_miniplaces")->required();
  app.add_option("inputs", inputs, "tiny, a folder of data (its validation images), or image files")
      ->type_name("DATA|IMAGES")
      ->capture_default_str();
  app.add_option("--out", out, "the picture to write (PNG)")->capture_default_str();
  app.add_option("--count", count, "how many images of DATA")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--seed", data.seed, "of tiny's images")->capture_default_str();
  device_flags.add_to(app);
  parse(app, argc, argv);

  Device device = device_flags.open();
  auto checkpoint = std::make_shared<Checkpoint>(load_checkpoint(file));
  const CheckpointInfo& info = checkpoint->info;
  auto samples = std::make_shared<Samples>();
  if (is_photo(inputs[0])) {
    *samples = read_photos(inputs, info);
  } else if (inputs.size() > 1) {
    throw Error("give one DATA, or image files: " + inputs[0] + " is no file");
  } else {
    data.data = inputs[0];
    data.use(info);
    DataSplits splits = data.open(Splits::validation);
    data.check_classes(info, splits.validation);
    *samples = pick_samples(splits.validation, info, count);
  }
  make_output_folder(folder_of(out));
  checkpoint->network->to(device);
  return [=] {
    write_saliency_sheet(out, *checkpoint, *samples, device);
    std::printf("wrote %s: %zu images\n", out.c_str(), samples->images.size());
    return 0;
  };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("saliency_maps", [&] { return prepare(argc, argv); });
}
