// Times convolutions, each algorithm of ours in turns with the libraries. See --help.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "apps/app.h"
#include "autograd/conv.h"
#include "benchmarks/conv_pass.h"
#include "benchmarks/conv_results.h"
#include "benchmarks/timing.h"
#include "data/whole_file.h"
#include "nn/models/models.h"
#include "train/limits.h"

using namespace tweed;
using namespace tweed::bench;

namespace {

struct Flags {
  std::vector<std::string> networks, shapes, algorithms, python;
  int64_t batch = 32, image_size = 0;
  std::string dtype = "f32", json, picture, markdown, command;
  int repeats = 0, pairs = 7;
  bool quick = false;
  app::DeviceFlags device;
};

// A network, or single convolutions, to time.
struct Group {
  std::string name;
  std::vector<ConvShape> shapes;
};

// "resnet18:64" is a name and a size; 0 where none is given.
std::pair<std::string, int64_t> split_size(const std::string& word) {
  const auto colon = word.rfind(':');
  if (colon == std::string::npos) return {word, 0};
  const std::string digits = word.substr(colon + 1);
  const bool number = !digits.empty() && digits.size() < 5 &&
                      digits.find_first_not_of("0123456789") == std::string::npos;
  const int64_t size = number ? std::stoll(digits) : 0;
  if (size < 8 || size > 1024) throw Error("'" + word + "': sizes are from 8 to 1024");
  return {word.substr(0, colon), size};
}

std::vector<Group> groups_of(const Flags& f) {
  std::vector<Group> groups;
  for (auto& word : f.networks) {
    if (word == "depthwise") {
      groups.push_back({"depthwise convolutions", depthwise_convolutions(f.batch)});
      continue;
    }
    const auto [name, own_size] = split_size(word);
    const int64_t size = own_size ? own_size : f.image_size ? f.image_size : usual_image_size(name);
    auto network = make_model(name, {.classes = 100, .image_size = size});
    Group group{name + ", " + std::to_string(size) + "x" + std::to_string(size),
                convolutions_of(*network, {f.batch, size, size, 3})};
    if (group.shapes.empty()) throw Error(name + " has no convolutions");
    groups.push_back(group);
  }
  Group single{"single shapes", {}};
  for (auto& text : f.shapes) single.shapes.push_back(parse_conv(text));
  if (!single.shapes.empty()) groups.push_back(single);
  if (groups.empty()) throw Error("nothing to time: name networks, or give a --shape (see --help)");
  return groups;
}

// All that the device has, but those that would multiply in another way than the rivals do, and
// `naive` on a processor, which takes minutes.
std::vector<std::string> fair_algorithms(Device device, DType dtype) {
  const bool exact = dtype == DType::float32 && !uses_tf32(device);
  const bool on_cpu = device.kind() == Device::Kind::cpu;
  std::vector<std::string> all;
  for (const ConvAlgorithm* row : conv_rows_of(device))
    if (!(exact && row->rounds_to_tf32) && !(on_cpu && row == &conv::naive))
      all.push_back(row->name);
  return all;
}

std::vector<ContenderPtr> contenders_of(const Flags& f, Device device, DType dtype) {
  std::vector<ContenderPtr> contenders;
  for (auto& name : f.algorithms.empty() ? fair_algorithms(device, dtype) : f.algorithms)
    contenders.push_back(our_algorithm(name, device));
  if (device.kind() == Device::Kind::cpu) contenders.push_back(onednn_rival());
  for (auto& python : f.python) {
    contenders.push_back(torch_rival(python, device, dtype));
    if (!device.is_cuda()) continue;
    contenders.push_back(torch_rival(python, device, dtype, {.search = true}));
    // Its tensor cores want channels last; for float32 either may be quicker.
    if (dtype == DType::float32)
      contenders.push_back(
          torch_rival(python, device, dtype, {.search = true, .channels_first = true}));
  }
  return contenders;
}

// As many images as float64 computes in a moment.
int64_t images_to_check(const AnyConv& c) {
  const double operations = c.flops() / double(c.window.N);
  return std::clamp<int64_t>(int64_t(2e8 / operations), 1, c.window.N);
}

class Bench {
 public:
  Bench(const Flags& f, Device device, DType dtype)
      : flags_(f), groups_(groups_of(f)), contenders_(contenders_of(f, device, dtype)) {
    results_ = {.device = device, .dtype = dtype, .batch = f.batch, .pairs = f.pairs};
    for (auto& c : contenders_)
      results_.contenders.push_back({c->name(), c->description(), c->is_rival()});
  }

  int run() {
    results_.peak = peak_flops(results_.device, results_.dtype);
    std::printf("%s", heading(results_).c_str());
    for (auto& group : groups_) {
      std::printf("\n%s\n", group.name.c_str());
      results_.networks.push_back({group.name, {}});
      for (auto& shape : group.shapes) {
        if (results_.device.kind() == Device::Kind::cpu)  // a busy one rarely shows its peak
          results_.peak = std::max(results_.peak, peak_flops(results_.device, results_.dtype));
        const ShapeResult result = measure(shape);
        if (app::interrupted()) return 130;
        std::printf("%s", text_of(results_, result).c_str());
        std::fflush(stdout);
        results_.networks.back().shapes.push_back(result);
        write();  // so that nothing is lost if time runs out
      }
      std::printf("\n%s", totals_text(results_, results_.networks.back()).c_str());
    }
    return 0;
  }

 private:
  ShapeResult measure(const ConvShape& shape) {
    const int64_t checked = images_to_check(shape.conv);
    sets_ = sets_for(shape.conv, results_.dtype, results_.device);
    const ConvData data({shape.conv, results_.dtype, results_.device, checked, sets_});
    std::vector<Contender*> able;
    for (auto& c : contenders_) able.push_back(c->prepare(data) ? c.get() : nullptr);
    ShapeResult result{shape, data.checked.conv.window.N, sets_, {}};
    for (Pass pass : passes) result.figures[std::size_t(pass)] = measure(pass, able);
    return result;
  }

  Figures measure(Pass pass, const std::vector<Contender*>& able) {
    const auto times = take_turns(pass, able);
    std::optional<std::size_t> best;  // rival
    for (std::size_t i = 0; i < able.size(); ++i)
      if (able[i] && able[i]->is_rival() && (!best || median(times[i]) < median(times[*best])))
        best = i;
    Figures figures(able.size());
    for (std::size_t i = 0; i < able.size(); ++i) {
      if (!able[i]) continue;
      figures[i] = {median(times[i]), {}, able[i]->facts(pass)};
      if (!best) continue;
      std::vector<double> ratios;
      for (std::size_t turn = 0; turn < times[i].size(); ++turn)
        ratios.push_back(times[i][turn] / times[*best][turn]);
      figures[i]->ratio = median(ratios);
    }
    return figures;
  }

  // Seconds of a pass: of each contender, in each turn.
  std::vector<std::vector<double>> take_turns(Pass pass, const std::vector<Contender*>& able) {
    std::vector<int> repeats(able.size());
    for (std::size_t i = 0; i < able.size(); ++i)
      if (able[i]) repeats[i] = repeats_for(pass, *able[i]);
    std::vector<std::vector<double>> times(able.size());
    for (int turn = 0; turn < flags_.pairs; ++turn) {
      if (turn > 0 && app::interrupted()) break;
      for (std::size_t i = 0; i < able.size(); ++i)
        if (able[i]) times[i].push_back(able[i]->seconds_each(pass, repeats[i]));
    }
    return times;
  }

  // As many as fill 20 ms, and take all sets of operands, unless a flag says it. Warms up, too.
  int repeats_for(Pass pass, Contender& contender) const {
    const bool cuda = results_.device.is_cuda();
    const int few = flags_.repeats ? flags_.repeats : cuda ? 10 : 1;
    double seconds = contender.seconds_each(pass, few);
    if (flags_.repeats) return flags_.repeats;
    if (!cuda) seconds = contender.seconds_each(pass, few);  // a recording has been run before
    const int most = cuda ? 2 * most_sets : 500;
    return std::max(sets_, int(std::min(std::ceil(0.02 / seconds), double(most))));
  }

  void write() {
    getloadavg(&results_.load, 1);
    auto whole = [](const std::string& path, const std::string& text) {
      if (path.empty()) return;
      WholeFile file(path);
      file.write(text);
      file.commit();
    };
    whole(flags_.json, json_of(results_));
    whole(flags_.markdown, markdown_of(results_, flags_.command, picture_from_page()));
    if (!flags_.picture.empty()) write_png(flags_.picture, picture_of(results_));
  }

  // The picture as a page's link finds it.
  std::string picture_from_page() const {
    if (flags_.picture.empty()) return "";
    return std::filesystem::proximate(flags_.picture, app::folder_of(flags_.markdown));
  }

  const Flags& flags_;
  std::vector<Group> groups_;
  std::vector<ContenderPtr> contenders_;
  ConvResults results_;
  int sets_ = 1;  // of operands, of the convolution at hand
};

void check_writable(const std::string& path) {
  if (!path.empty()) app::make_output_folder(app::folder_of(path));
}

std::string joined_by_space(int argc, char** argv) {
  std::string text = "build/conv_bench";
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    text += word.find(' ') == std::string::npos ? " " + word : " \"" + word + "\"";
  }
  return text;
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App flags(
      "Times the forward pass, the weight gradient and the input gradient of convolutions: each "
      "algorithm of ours in turns with the libraries that do the same. On cpu that is oneDNN in "
      "layouts of its own choice and, with --python, PyTorch; on cuda cuDNN through PyTorch, with "
      "its default algorithms and with the best of the ten that its rules put first, for "
      "float32 also on channels first. On cuda the passes of a turn are recorded as a CUDA graph, "
      "by "
      "both sides, and its replay is timed; they take sets of operands in turn that together are "
      "more than the L2 cache holds.\n"
      "Results are compared with float64 on a part of the batch.\n"
      "Threads that wait sleep after some 30 us, unless OMP_WAIT_POLICY says otherwise.",
      "conv_bench");
  auto f = std::make_shared<Flags>();
  flags.add_option(
      "networks", f->networks,
      "names of networks or JSON files, also as NAME:SIZE: all their convolutions; the word "
      "depthwise: the depthwise convolutions of MobileNetV2, EfficientNet-B0 and ConvNeXt-T");
  flags
      .add_option(
          "--shape", f->shapes,
          "one convolution, \"N H W Ci Co K S P\", or also groups and dilation; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  auto* batch = flags.add_option("--batch", f->batch, "images that networks are given")
                    ->check(CLI::Range(1, 4096))
                    ->capture_default_str();
  flags
      .add_option("--image-size", f->image_size,
                  "of networks; default: 32 for those of CIFAR-10, 128 for others")
      ->check(CLI::Range(8, 1024));
  flags.add_option("--dtype", f->dtype, "f32, bf16, or tf32: f32 by TF32's products (cuda only)")
      ->check(CLI::IsMember({"f32", "tf32", "bf16"}))
      ->capture_default_str();
  flags
      .add_option(
          "--algorithms", f->algorithms,
          "such as im2col,direct; default: all that the device has for the dtype, but on cpu not "
          "naive, which takes minutes, and for f32 not mma, which rounds to TF32")
      ->delimiter(',');
  flags.add_option("--repeats", f->repeats, "passes in a turn; default: 20 ms of them")
      ->check(CLI::Range(1, 100000));
  auto* pairs = flags.add_option("--pairs", f->pairs, "turns, of which the median counts")
                    ->check(CLI::Range(1, 1000))
                    ->capture_default_str();
  flags.add_flag(
      "--quick", f->quick,
      "one image of 32 x 32, two passes a turn and one turn, unless other flags say it, to "
      "see that everything runs; always so on sim and on an emulated GPU");
  flags.add_option("--python", f->python, "a Python with PyTorch");
  flags.add_option("--json", f->json, "write everything to this file");
  flags.add_option("--markdown", f->markdown, "write a page of tables to this file");
  flags.add_option("--picture", f->picture, "draw the ratios into this PNG file; needs a rival");
  f->device.add_to(flags);
  app::parse(flags, argc, argv);
  f->command = joined_by_space(argc, argv);
  for (auto& path : {f->json, f->markdown, f->picture}) check_writable(path);
  const Device device = f->device.open();
  set_tf32(device, f->dtype == "tf32");
  if (f->quick || is_simulated(device)) {
    if (!batch->count()) f->batch = 1;
    if (!f->image_size) f->image_size = 32;
    if (!f->repeats) f->repeats = 2;
    if (!pairs->count()) f->pairs = 1;
  }
  if (!f->picture.empty() && device.kind() != Device::Kind::cpu && f->python.empty())
    throw Error("--picture draws ratios to a rival's time: give --python");
  auto bench =
      std::make_shared<Bench>(*f, device, f->dtype == "bf16" ? DType::bfloat16 : DType::float32);
  return [=] {
    const auto keep = f;  // the bench refers to it
    return bench->run();
  };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("conv_bench", [&] { return prepare(argc, argv); });
}
