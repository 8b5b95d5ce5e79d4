// Names what photos show. See --help.
#include <algorithm>
#include <cstdio>

#include "apps/app.h"
#include "apps/flags.h"
#include "apps/numbers.h"
#include "apps/run_folder.h"
#include "apps/sheets.h"
#include "data/class_names.h"
#include "kernels/machine/printable.h"
#include "nn/answers.h"
#include "nn/models/models.h"

using namespace tweed;
using namespace tweed::app;

namespace {

struct Flags {
  std::vector<std::string> photos;
  std::string weights, model, classes_file;
  std::optional<std::array<float, 3>> mean, std;
  int resize = 0, crop = 0, top = 3;  // 0: as the file says
  bool squash = false;                // to resize x resize, whatever the proportions
  DeviceFlags device;
};

// "0.485,0.456,0.406", "123/255,117/255,104/255", or one number for all three.
std::array<float, 3> parse_channels(const std::string& text, const std::string& flag,
                                    const NumberRange& range) {
  std::vector<float> values;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    values.push_back(float(parse_fraction(text.substr(start, end - start), flag, range)));
    start = end + 1;
  }
  if (values.size() == 1) values.resize(3, values[0]);
  if (values.size() != 3)
    throw Error(flag + " takes one or three numbers, not " + in_quotes(text, 60));
  return {values[0], values[1], values[2]};
}

// "256": the shorter side; "256x256": both, whatever the photo's proportions.
void parse_resize(const std::string& text, Flags& f) {
  const std::size_t cross = text.find('x');
  f.squash = cross != std::string::npos;
  try {
    f.resize = int(parse_whole(text.substr(0, cross), "--resize", {8, 8192}));
    if (f.squash && text.substr(cross + 1) != text.substr(0, cross)) throw Error("");
  } catch (const Error&) {
    throw Error("--resize takes a size from 8 to 8192, such as 256 or 256x256, not " +
                in_quotes(text, 60));
  }
}

Checkpoint open_network(const Flags& f) {
  if (f.model.empty()) return load_checkpoint(weights_file(f.weights));
  Checkpoint c = load_weights(f.weights, f.model);
  for (auto& note : c.notes)
    say_error("classify: %s: %s\n", printable(f.weights).c_str(), note.c_str());
  c.info.image_size = 224;
  c.info.load_size = 256;
  const Normalization imagenet;
  c.info.mean = imagenet.mean;
  c.info.std = imagenet.std;
  return c;
}

// Flags beat what the file says.
void apply(const Flags& f, CheckpointInfo& info) {
  if (f.crop) info.image_size = f.crop;
  if (f.resize) info.load_size = f.resize;
  if (info.load_size < info.image_size)
    throw Error("--crop " + std::to_string(info.image_size) + " is more than --resize " +
                std::to_string(info.load_size));
  info.mean = f.mean.value_or(info.mean);
  info.std = f.std.value_or(info.std);
  if (f.classes_file.empty()) return;
  auto names = read_class_names(f.classes_file);
  if (names.size() != info.classes.size())
    throw Error(printable(f.classes_file) + " names " + std::to_string(names.size()) +
                " classes, but the network has " + std::to_string(info.classes.size()));
  info.classes = names;
}

void print_answers(const Flags& f, const Checkpoint& checkpoint, const Samples& samples,
                   Device device) {
  if (samples.images.empty()) return;
  NoGrad no_grad;
  const Tensor logits = (*checkpoint.network)(normalized(samples, checkpoint.info, device));
  const auto answers = top_classes(logits, checkpoint.info.classes, f.top);
  for (std::size_t i = 0; i < samples.names.size(); ++i) {
    say("%s\n", printable(samples.names[i]).c_str());
    for (auto& answer : answers[i])
      say("  %5.2f  %4ld %s\n", answer.probability, long(answer.label),
          printable(answer.name).c_str());
  }
  std::fflush(stdout);
}

// Photos that go through the network at once: eight of ImageNet's size, fewer of larger ones, so
// that the memory does not grow with their number.
std::size_t photos_at_once(const CheckpointInfo& info) {
  const int64_t pixels = int64_t(info.image_size) * info.image_size;
  return std::size_t(std::clamp<int64_t>(8 * 224 * 224 / pixels, 1, 8));
}

int classify(const Flags& f, const Checkpoint& checkpoint, Device device) {
  const std::size_t most = photos_at_once(checkpoint.info);
  std::size_t read = 0;
  Samples batch;
  for (auto& photo : f.photos) {
    if (interrupted()) return 130;
    if (!add_photo(batch, photo, checkpoint.info, f.squash)) continue;
    ++read;
    if (batch.images.size() < most) continue;
    print_answers(f, checkpoint, batch, device);
    batch = {};
  }
  print_answers(f, checkpoint, batch, device);
  return read == f.photos.size() ? 0 : read > 0 ? 1 : 2;
}

void add_flags(CLI::App& app, Flags& f) {
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("photos", f.photos, "image files")->type_name("PHOTO")->required()->take_all();
  app.add_option("--weights", f.weights,
                 "a checkpoint of ours, a run's folder, or other safetensors with --model")
      ->required();
  app.add_option("--model", f.model,
                 "the network that foreign weights are for: " + joined(model_names()) +
                     "; its parameters have torchvision's names");
  app.add_option("--classes-file", f.classes_file, "class names, a line each, in label order");
  add_whole(app, "--top", f.top, {1, 1000}, "classes to name");
  add_read(app, "--resize", "N|NxN", "",
           "N: the shorter side becomes N pixels; NxN: both. Default: as the checkpoint was "
           "trained; 256 for foreign weights",
           [&f](const std::string& text, const std::string&) { parse_resize(text, f); });
  add_whole(app, "--crop", f.crop, {8, 4096}, "pixels cut from the middle; 224 for foreign weights")
      ->default_str("");
  add_read(app, "--mean", "X|X,X,X", "",
           "subtracted from pixels in 0..1; one or three numbers or fractions, such as "
           "123/255,117/255,104/255. ImageNet's for foreign weights",
           [&f](const std::string& text, const std::string& flag) {
             f.mean = parse_channels(text, flag, {});
           });
  add_read(app, "--std", "X|X,X,X", "", "divided by afterwards",
           [&f](const std::string& text, const std::string& flag) {
             f.std = parse_channels(text, flag, above_zero);
           });
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
  apply(*f, checkpoint->info);
  checkpoint->network->to(device);
  if (f->crop || !f->model.empty())
    check_image_size(*checkpoint->network, checkpoint->info, device);
  return [=] { return classify(*f, *checkpoint, device); };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("classify", [&] { return prepare(argc, argv); });
}
