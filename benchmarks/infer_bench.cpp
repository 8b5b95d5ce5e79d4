// Times forward passes as a network answers, and takes turns with PyTorch and onnxruntime if asked
// to.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/flags.h"
#include "autograd/conv.h"
#include "benchmarks/rival.h"
#include "benchmarks/timing.h"
#include "data/whole_file.h"
#include "nn/eval_mode.h"
#include "nn/models/models.h"
#include "record/onnx/export.h"

using namespace tweed;

namespace {

struct Flags {
  std::string model = "resnet18", conv = "auto";
  int64_t batch_size = 1, image_size = 224, classes = 1000;
  int pairs = 10, steps = 5;
  std::string python, json;
  std::vector<std::string> rivals{"pytorch", "onnxruntime"};
  app::DeviceFlags device;
};

class Answers {
 public:
  Answers(const Flags& f, Device device)
      : network_(make_model(f.model, {.classes = f.classes, .image_size = f.image_size})),
        device_(device),
        images_(Tensor::empty({f.batch_size, f.image_size, f.image_size, 3})) {
    Random random(0, Purpose::test);
    for (float *p = images_.write<float>().data(), *end = p + images_.size(); p != end; ++p)
      *p = random.normal();
    images_ = images_.to(device);
    network_->to(device);
    network_->eval();
  }
  Module& network() { return *network_; }
  /// Milliseconds of a pass: the median of `steps`.
  double run(int steps) {
    const NoGrad no_grad;
    std::vector<double> times;
    for (int i = 0; i < steps; ++i)
      times.push_back(1e3 * tweed::seconds([&] {
                        network_->forward(images_);
                        synchronize(device_);
                      }));
    return bench::median(times);
  }

 private:
  ModulePtr network_;
  Device device_;
  Tensor images_;
};

struct Opponent {
  std::string name;
  std::unique_ptr<bench::Rival> process;
  std::vector<double> times, ratios;
};

// The network in a file for onnxruntime, as long as nobody has read it.
class OnnxFile {
 public:
  OnnxFile(Module& network, const Flags& f)
      : path_((std::filesystem::temp_directory_path() /
               ("infer_bench." + std::to_string(getpid()) + ".onnx"))
                  .string()) {
    save_onnx(path_, network, {.model = f.model, .image_size = int(f.image_size)});
  }
  ~OnnxFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Opponent start(const Flags& f, const std::string& name, const std::string& onnx, bool tuned) {
  std::vector<std::string> command{f.python, bench::script("rival_infer_bench.py"), "--serve"};
  auto flag = [&](const char* flag, const std::string& value) {
    command.insert(command.end(), {flag, value});
  };
  flag("--model", name == "pytorch" ? f.model : onnx);
  flag("--batch-size", std::to_string(f.batch_size));
  flag("--image-size", std::to_string(f.image_size));
  flag("--classes", std::to_string(f.classes));
  flag("--threads", std::to_string(threads()));
  const auto environment = tuned ? bench::tuned_malloc() : std::vector<std::string>();
  return {name + (tuned ? ", malloc tuned" : ", as shipped"),
          std::make_unique<bench::Rival>(command, environment),
          {},
          {}};
}

std::vector<Opponent> opponents(const Flags& f, Module& network) {
  std::vector<Opponent> all;
  if (f.python.empty()) return all;
  const OnnxFile onnx(network, f);
  for (auto& name : f.rivals)
    for (bool tuned : {true, false}) all.push_back(start(f, name, onnx.path(), tuned));
  return all;
}

void write_json(const Flags& f, Device device, double ms, const std::vector<Opponent>& rivals) {
  using Json = nlohmann::ordered_json;
  Json root{{"device", app::device_text(device)}, {"model", f.model}, {"batch_size", f.batch_size},
            {"image_size", f.image_size},         {"ms", ms},         {"rivals", Json::array()}};
  for (auto& rival : rivals)
    root["rivals"].push_back(
        {{"name", rival.name},
         {"description", Json::parse(rival.process->description(), nullptr, false)},
         {"ms", bench::median(rival.times)},
         {"ratio", bench::median(rival.ratios)}});
  WholeFile file(f.json);
  file.write(root.dump(2) + "\n");
  file.commit();
}

int bench(const Flags& f, Device device) {
  Answers answers(f, device);
  answers.run(3);  // warms up pool, primitives and caches
  auto rivals = opponents(f, answers.network());
  std::vector<double> ours;
  for (int pair = 0; pair < f.pairs; ++pair) {
    if (app::interrupted()) return 130;
    ours.push_back(answers.run(f.steps));
    for (auto& rival : rivals) {
      rival.times.push_back(rival.process->number("step " + std::to_string(f.steps)));
      rival.ratios.push_back(ours.back() / rival.times.back());
    }
  }
  const double ms = bench::median(ours);
  std::printf("%s, batch %ld, %ldx%ld, %s\n", f.model.c_str(), long(f.batch_size),
              long(f.image_size), long(f.image_size), app::device_text(device).c_str());
  std::printf("Tweed    %8.2f ms   %6.0f images/s\n", ms, double(f.batch_size) / ms * 1e3);
  for (auto& rival : rivals)
    std::printf("rival    %8.2f ms   Tweed/rival %.3f (median of %d pairs)   %s: %s\n",
                bench::median(rival.times), bench::median(rival.ratios), f.pairs,
                rival.name.c_str(), rival.process->description().c_str());
  if (!f.json.empty()) write_json(f, device, ms, rivals);
  return 0;
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App flags(
      "Times forward passes of a network that answers: one batch in the device's memory, no "
      "gradients. With --python PyTorch and onnxruntime, which gets the network as ONNX, take "
      "turns "
      "with it on the CPU, each with its memory allocator tuned and as shipped.",
      "infer_bench");
  auto f = std::make_shared<Flags>();
  flags.add_option("--model", f->model)->check(CLI::IsMember(model_names()))->capture_default_str();
  flags.add_option("--batch-size", f->batch_size)
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  flags.add_option("--image-size", f->image_size)
      ->check(CLI::Range(8, 1024))
      ->capture_default_str();
  flags.add_option("--classes", f->classes)->check(CLI::Range(1, 100'000))->capture_default_str();
  flags.add_option("--conv", f->conv, "how convolutions are computed, as for train_miniplaces")
      ->capture_default_str();
  flags.add_option("--pairs", f->pairs, "turns")->check(CLI::Range(1, 1000))->capture_default_str();
  flags.add_option("--steps", f->steps, "passes in a turn, of which the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  flags.add_option("--python", f->python, "a Python with PyTorch and onnxruntime");
  flags.add_option("--rivals", f->rivals, "who takes turns: pytorch, onnxruntime")
      ->delimiter(',')
      ->check(CLI::IsMember({"pytorch", "onnxruntime"}))
      ->capture_default_str();
  flags.add_option("--json", f->json, "write everything to this file");
  f->device.add_to(flags);
  app::parse(flags, argc, argv);
  if (!f->json.empty()) app::make_output_folder(app::folder_of(f->json));
  Device device = f->device.open();
  if (!f->python.empty() && device.kind() != Device::Kind::cpu)
    throw Error("--python has rivals for the cpu alone");
  set_conv_algorithm(device, parse_conv_algorithm(f->conv));
  return [=] { return bench(*f, device); };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("infer_bench", [&] { return prepare(argc, argv); });
}
