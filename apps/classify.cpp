// Names what photos show. See --help.
#include <algorithm>
#include <cstdio>
#include <numeric>

#include "apps/app.h"
#include "apps/flags.h"
#include "apps/sheets.h"
#include "autograd/loss.h"
#include "data/class_names.h"
#include "nn/models/models.h"

using namespace tweed;
using namespace tweed::app;

namespace {

struct Flags {
  std::vector<std::string> photos;
  std::string weights, model, classes_file, resize, mean, std;
  int crop = 0, top = 3;
  DeviceFlags device;
};

// "0.485,0.456,0.406", "123/255,117/255,104/255", or one number for all three.
std::array<float, 3> parse_channels(const std::string& text, const std::string& flag) {
  std::vector<float> values;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    values.push_back(float(parse_fraction(text.substr(start, end - start), flag)));
    start = end + 1;
  }
  if (values.size() == 1) values.resize(3, values[0]);
  if (values.size() != 3) throw Error(flag + " takes one or three numbers, not '" + text + "'");
  return {values[0], values[1], values[2]};
}

// "256": the shorter side; "256x256": both, whatever the photo's proportions. Returns whether both.
bool parse_resize(const std::string& text, int& size) {
  int height = 0, width = 0, used = 0;
  const int count = std::sscanf(text.c_str(), "%d%nx%d%n", &height, &used, &width, &used);
  if (count < 1 || std::size_t(used) != text.size() || height < 1 ||
      (count == 2 && width != height))
    throw Error("--resize takes a size, such as 256 or 256x256, not '" + text + "'");
  size = height;
  return count == 2;
}

Checkpoint open_network(const Flags& f) {
  if (f.model.empty()) return load_checkpoint(f.weights);
  Checkpoint c = load_weights(f.weights, f.model);
  for (auto& note : c.notes)
    std::fprintf(stderr, "classify: %s: %s\n", printable(f.weights).c_str(), note.c_str());
  c.info.image_size = 224;
  c.info.load_size = 256;
  const Normalization imagenet;
  c.info.mean = imagenet.mean;
  c.info.std = imagenet.std;
  return c;
}

// Flags beat what the file says.
void apply(const Flags& f, CheckpointInfo& info, bool& squash) {
  if (f.crop) info.image_size = f.crop;
  if (!f.resize.empty()) squash = parse_resize(f.resize, info.load_size);
  if (info.load_size < info.image_size)
    throw Error("--crop " + std::to_string(info.image_size) + " is more than --resize " +
                std::to_string(info.load_size));
  if (!f.mean.empty()) info.mean = parse_channels(f.mean, "--mean");
  if (!f.std.empty()) info.std = parse_channels(f.std, "--std");
  if (f.classes_file.empty()) return;
  auto names = read_class_names(f.classes_file);
  if (names.size() != info.classes.size())
    throw Error(f.classes_file + " names " + std::to_string(names.size()) +
                " classes, but the network has " + std::to_string(info.classes.size()));
  info.classes = names;
}

void print_best(const std::vector<float>& probabilities, const CheckpointInfo& info, int top) {
  std::vector<std::size_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return probabilities[a] > probabilities[b]; });
  order.resize(std::min(order.size(), std::size_t(top)));
  for (std::size_t c : order)
    std::printf("  %5.2f  %4zu %s\n", double(probabilities[c]), c, info.classes[c].c_str());
}

int classify(const Flags& f, const Checkpoint& checkpoint, const Samples& samples, Device device) {
  NoGrad no_grad;
  const Tensor logits = (*checkpoint.network)(normalized(samples, checkpoint.info, device));
  const std::vector<float> p = softmax(logits).to_vector<float>();
  const auto classes = std::ptrdiff_t(checkpoint.info.classes.size());
  for (std::size_t i = 0; i < samples.names.size(); ++i) {
    std::printf("%s\n", samples.names[i].c_str());
    const auto row = p.begin() + std::ptrdiff_t(i) * classes;
    print_best({row, row + classes}, checkpoint.info, f.top);
  }
  return 0;
}

void add_flags(CLI::App& app, Flags& f) {
  app.add_option("photos", f.photos, "image files")->type_name("PHOTO")->required();
  app.add_option("--weights", f.weights, "a checkpoint of ours, or other safetensors with --model")
      ->required();
  app.add_option("--model", f.model,
                 "the network that foreign weights are for: " + joined(model_names()) +
                     "; its parameters have torchvision's names");
  app.add_option("--classes-file", f.classes_file, "class names, a line each, in label order");
  app.add_option("--top", f.top, "classes to name")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--resize", f.resize,
                 "N: the shorter side becomes N pixels; NxN: both. Default: as the checkpoint was "
                 "trained; 256 for foreign weights");
  app.add_option("--crop", f.crop, "pixels cut from the middle; 224 for foreign weights")
      ->check(CLI::Range(8, 4096));
  app.add_option("--mean", f.mean,
                 "subtracted from pixels in 0..1; one or three numbers or fractions, such as "
                 "123/255,117/255,104/255. ImageNet's for foreign weights");
  app.add_option("--std", f.std, "divided by afterwards");
  f.device.add_to(app);
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App app(
      "Names what photos show, with probabilities.\n\n"
      "  classify beach.jpg --weights runs/demo/best.safetensors\n"
      "  classify cat.jpg --model resnet18 --weights resnet18.safetensors --classes-file "
      "imagenet_classes.txt\n",
      "classify");
  auto f = std::make_shared<Flags>();
  add_flags(app, *f);
  parse(app, argc, argv);
  Device device = f->device.open();
  auto checkpoint = std::make_shared<Checkpoint>(open_network(*f));
  bool squash = false;
  apply(*f, checkpoint->info, squash);
  auto samples = std::make_shared<Samples>(read_photos(f->photos, checkpoint->info, squash));
  checkpoint->network->to(device);
  return [=] { return classify(*f, *checkpoint, *samples, device); };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("classify", [&] { return prepare(argc, argv); });
}
