// Draws which pixels a network's decisions depend on. See --help.
#include <algorithm>
#include <filesystem>

#include "apps/app.h"
#include "apps/drawings/explain_flags.h"
#include "apps/drawings/photos.h"
#include "apps/drawings/trust_report.h"
#include "apps/flags.h"
#include "apps/json_output.h"
#include "apps/network_flags.h"
#include "apps/numbers.h"
#include "data/cifar10.h"
#include "data/folder_walk.h"
#include "data/layout.h"
#include "kernels/machine/printable.h"

using namespace tweed;
using namespace tweed::app;

namespace {

constexpr int64_t images_a_sheet = 100;
constexpr std::size_t most_examined = 8;  // by --check

// A folder is a data set unless it holds images itself; one with train/ or val/ beside them is.
bool is_data(const std::string& name) {
  std::error_code ignored;
  if (name == "tiny" || is_cifar10(name)) return true;
  if (!std::filesystem::is_directory(name, ignored)) return false;
  const auto folders = folders_in(name);
  return !holds_images(name) || std::any_of(folders.begin(), folders.end(), is_split_name);
}

struct Flags {
  NetworkFlags network;
  ExplainFlags maps;
  std::string out = "saliency.png";
  std::vector<std::string> inputs{"tiny"};
  int count = 12;
  bool check = false, json = false;
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
  f.network.add_checkpoint_to(app);
  app.add_option("inputs", f.inputs,
                 "tiny, a folder of data (its validation images), or image files and folders of "
                 "them")
      ->type_name("DATA|IMAGES")
      ->take_all()
      ->capture_default_str();
  f.network.add_to(app);
  f.network.add_sizes_to(app);
  app.add_option("--out", f.out,
                 "the picture to write (PNG); more than " + std::to_string(images_a_sheet) +
                     " images go on to NAME-2.png, ...")
      ->capture_default_str();
  f.count_option = add_whole(app, "--count", f.count, {1, 1000}, "how many images of DATA");
  f.seed_option = add_seed(app, f.data.seed, "of tiny's images");
  f.maps.add_to(app);
  app.add_flag(
      "--check", f.check,
      "whether the maps can be trusted: of the first " + std::to_string(most_examined) +
          " images, deletion and insertion curves, and the maps of a network whose weights "
          "are random; also drawn, into NAME-check.png");
  add_json_to(app, f.json);
  f.device.add_to(app);
}

void check_use(const Flags& f) {
  const bool photos = f.photos();
  if (f.inputs.size() > 1)
    for (auto& input : f.inputs)
      if (is_data(input))
        throw Error("give one DATA, or image files and folders of them: " + in_quotes(input) +
                    " is DATA");
  if (photos && f.count_option->count())
    throw Error("--count belongs to DATA: photos are all drawn");
  if (f.seed_option->count() && (photos || f.inputs[0] != "tiny"))
    throw Error("--seed belongs to tiny, whose images it draws");
  if (f.network.squash && !photos)
    throw Error("--resize NxN belongs to photos: DATA's keep their proportions");
}

// What is drawn, sheet by sheet, so that the memory does not grow with the number of images.
struct Work {
  Checkpoint checkpoint;
  Device device;
  std::string out;
  bool check, json;
  MapWish wish = {};
  std::optional<Photos> photos = {};  // else images of `data`, `count` of them
  DataSplits data = {};
  int64_t count = 0, drawn = 0;
  Json images = Json::array(), examined;

  int run();
  bool examine(Samples samples);
  Samples next();
  using Answers = std::vector<std::vector<Answer>>;  // for each image, likeliest first
  void print(const Samples& samples, const Answers& answers) const;
  void note(const Samples& samples, const Answers& answers, const std::string& sheet);
  Json described() const;
};

// "maps.png", "maps-2.png", ...
std::string path_beside(const std::string& out, const std::string& what) {
  const std::filesystem::path path = out;
  return (path.parent_path() / (path.stem().string() + "-" + what + path.extension().string()))
      .string();
}
std::string sheet_path(const std::string& out, int number) {
  return number == 1 ? out : path_beside(out, std::to_string(number));
}

Samples Work::next() {
  if (photos) return photos->next(std::size_t(images_a_sheet));
  const int64_t most = std::min(count - drawn, images_a_sheet);
  return pick_samples(data.validation, checkpoint.info, most, drawn);
}

void Work::print(const Samples& samples, const Answers& answers) const {
  for (std::size_t i = 0; i < answers.size(); ++i)
    say("%s: %s\n", printable(samples.names[i]).c_str(), printable(text(answers[i]), 1000).c_str());
}

void Work::note(const Samples& samples, const Answers& answers, const std::string& sheet) {
  for (std::size_t i = 0; i < answers.size(); ++i) {
    Json image{{"file", samples.files[i]}, {"picture", sheet}, {"answer", json_of(answers[i][0])}};
    for (auto& answer : answers[i]) image["answers"].push_back(json_of(answer));
    if (samples.labels[i] >= 0) image["label"] = samples.labels[i];
    images.push_back(image);
  }
}

Json Work::described() const {
  Json all{{"model", checkpoint.info.model},
           {"image_size", checkpoint.info.image_size},
           {"images", images}};
  if (check) all["check"] = examined;
  if (photos) all["skipped"] = json_of(photos->skipped());
  return all;
}

// False after Ctrl-C.
bool Work::examine(Samples samples) {
  samples.images.resize(std::min(samples.images.size(), most_examined));
  const auto rows = examine_maps(checkpoint, samples, device, wish);
  if (interrupted()) return false;
  const std::string path = path_beside(out, "check");
  check_output_file(path);
  draw_trust(path, rows);
  print_trust(rows, samples.images.size());
  say("wrote %s\n", printable(path).c_str());
  for (auto& row : rows) {
    const RandomisedNetwork& r = row.randomised;
    Json one{{"method", row.method},
             {"deletion", area_under(row.curves.deletion)},
             {"insertion", area_under(row.curves.insertion)}};
    if (!r.similarity.empty()) {
      one["likeness_half_random"] = r.half();
      one["likeness_all_random"] = r.all();
      one["depends_on_weights"] = r.depends_on_weights();
    }
    examined.push_back(one);
  }
  return true;
}

int Work::run() {
  for (int sheet = 1;; ++sheet) {
    const Samples samples = next();
    if (interrupted()) return 130;
    if (samples.images.empty()) break;
    const std::string path = sheet_path(out, sheet);
    check_output_file(path);
    Answers answers;
    if (!write_map_sheet(path, checkpoint, samples, device, wish, &answers)) return 130;
    if (!json) print(samples, answers);
    print_written(path, samples, checkpoint.info);
    if (json) note(samples, answers, path);
    drawn += int64_t(answers.size());
    if (check && sheet == 1 && !examine(samples)) return 130;
  }
  if (drawn == 0) say_error("saliency_maps: no photo could be read\n");
  if (json) print_json(described());
  return photos ? photos->code() : 0;
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App app(
      "Draws beside each image which of its parts the answer depends on, and prints the five "
      "likeliest classes. By default that is the coursework's gradient saliency: the absolute "
      "gradient of the loss of the predicted class, largest over colour channels.\n\n"
      "  saliency_maps runs/demo/best.safetensors tiny\n"
      "  saliency_maps best.safetensors beach.jpg holidays/ --out maps.png\n"
      "  saliency_maps runs/demo beach.jpg --method gradient,grad-cam,occlusion --colors dusk\n"
      "  saliency_maps runs/demo beach.jpg --method grad-cam --layer conv4 --target mountain\n"
      "  saliency_maps resnet18.safetensors --model resnet18 cat.jpg --classes-file "
      "imagenet_classes.txt\n",
      "saliency_maps");
  Flags f;
  add_flags(app, f);
  parse(app, argc, argv);
  check_use(f);

  Device device = f.device.open();
  auto work = std::make_shared<Work>(Work{f.network.open(app), device, f.out, f.check, f.json});
  Checkpoint& checkpoint = work->checkpoint;
  work->count = f.count;
  check_output_file(f.out);
  if (f.photos()) {
    work->photos.emplace(f.inputs, checkpoint.info, f.network.squash);
  } else {
    f.data.data = f.inputs[0];
    f.data.use(checkpoint.info);
    f.data.any_names = !f.network.has_names();
    work->data = f.data.open(Splits::validation);
    f.data.settle_classes(checkpoint.info, work->data.validation);
  }
  checkpoint.network->to(device);
  if (f.network.crop || f.network.foreign()) check_image_size(*checkpoint.network, checkpoint.info);
  work->wish = f.maps.open(app, checkpoint, device);
  return [work] { return work->run(); };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("saliency_maps", [&] { return prepare(argc, argv); });
}
