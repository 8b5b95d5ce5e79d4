// Names what photos show. See --help.
#include <algorithm>
#include <cstdio>

#include "apps/app.h"
#include "apps/drawings/photos.h"
#include "apps/flags.h"
#include "apps/json_output.h"
#include "apps/network_flags.h"
#include "apps/numbers.h"
#include "kernels/machine/printable.h"

using namespace tweed;
using namespace tweed::app;

namespace {

struct Flags {
  std::vector<std::string> photos;
  NetworkFlags network;
  int top = 3;
  bool json = false;
  DeviceFlags device;
};

// What is asked, and what is known so far.
struct Work {
  Checkpoint checkpoint;
  Photos photos;
  Device device;
  int top;
  bool json;
  Json answered = Json::array();

  int run();
  void answer(const Samples& samples);
  void print(const std::string& photo, const std::vector<Answer>& answers) const;
};

void Work::print(const std::string& photo, const std::vector<Answer>& answers) const {
  say("%s\n", printable(photo).c_str());
  for (auto& answer : answers) {
    const bool likeliest = &answer == &answers.front();
    const std::string name = styled(likeliest ? Style::bold : Style::plain, printable(answer.name));
    say("  %5.2f  %4ld %s\n", answer.probability, long(answer.label), name.c_str());
  }
}

void Work::answer(const Samples& samples) {
  NoGrad no_grad;
  const Tensor logits = (*checkpoint.network)(normalized(samples.images, checkpoint.info, device));
  const auto answers = top_classes(logits, checkpoint.info.classes, top);
  for (std::size_t i = 0; i < samples.names.size(); ++i) {
    if (!json) {
      print(samples.names[i], answers[i]);
      continue;
    }
    Json list = Json::array();
    for (auto& answer : answers[i]) list.push_back(json_of(answer));
    answered.push_back({{"file", samples.files[i]}, {"answers", list}});
  }
  std::fflush(stdout);
}

// Photos that go through the network at once: eight of ImageNet's size, fewer of larger ones, so
// that the memory does not grow with their number.
std::size_t photos_at_once(const CheckpointInfo& info) {
  const int64_t pixels = int64_t(info.image_size) * info.image_size;
  return std::size_t(std::clamp<int64_t>(8 * 224 * 224 / pixels, 1, 8));
}

int Work::run() {
  const std::size_t most = photos_at_once(checkpoint.info);
  for (Samples batch; !(batch = photos.next(most)).images.empty();) answer(batch);
  if (interrupted()) return 130;
  if (json)
    print_json({{"model", checkpoint.info.model},
                {"photos", answered},
                {"skipped", json_of(photos.skipped())}});
  return photos.code();
}

void add_flags(CLI::App& app, Flags& f) {
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("photos", f.photos, "image files, or folders: the images in and below them")
      ->type_name("PHOTO")
      ->required()
      ->take_all();
  app.add_option("--weights", f.network.weights,
                 "a checkpoint of ours, a run's folder, or with --model other safetensors and "
                 "PyTorch's .pth")
      ->required();
  f.network.add_to(app);
  f.network.add_sizes_to(app);
  add_whole(app, "--top", f.top, {1, 1000}, "classes to name");
  add_json_to(app, f.json);
  f.device.add_to(app);
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App app(
      "Names what photos show, with probabilities.\n\n"
      "  classify beach.jpg --weights runs/demo/best.safetensors\n"
      "  classify holidays/ --weights runs/demo --json\n"
      "  classify cat.jpg --model resnet18 --weights resnet18.safetensors --classes-file "
      "imagenet_classes.txt\n",
      "classify");
  Flags f;
  add_flags(app, f);
  parse(app, argc, argv);
  Device device = f.device.open();
  const Checkpoint checkpoint = f.network.open(app);
  checkpoint.network->to(device);
  if (f.network.crop || f.network.foreign()) check_image_size(*checkpoint.network, checkpoint.info);
  Photos photos(f.photos, checkpoint.info, f.network.squash);
  auto work = std::make_shared<Work>(Work{checkpoint, photos, device, f.top, f.json});
  return [work] { return work->run(); };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("classify", [&] { return prepare(argc, argv); });
}
