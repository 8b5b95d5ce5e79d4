// Writes a network's weights into files of other programs. See --help.
#include <filesystem>

#include "apps/app.h"
#include "apps/network_flags.h"
#include "kernels/machine/printable.h"
#include "record/onnx/export.h"
#include "record/torch/write_torch.h"

using namespace tweed;
using namespace tweed::app;

namespace {

enum class Format { safetensors, torch, onnx };

Format format_of(const std::string& path) {
  const std::string end = std::filesystem::path(path).extension().string();
  if (end == ".safetensors") return Format::safetensors;
  if (end == ".pth" || end == ".pt") return Format::torch;
  if (end == ".onnx") return Format::onnx;
  throw Error("OUT ends in .safetensors, .pth or .onnx, not like " + in_quotes(path));
}

struct Work {
  Checkpoint checkpoint;
  std::string out;
  Format format;
  WeightsAs as;

  int run() {
    Module& network = *checkpoint.network;
    switch (format) {
      case Format::safetensors:
        save_checkpoint(out, network, checkpoint.info, as);
        break;
      case Format::torch:
        write_torch(out, content_of(network, checkpoint.info, as));
        break;
      case Format::onnx:
        save_onnx(out, network, checkpoint.info, as);
        break;
    }
    say("wrote %s: %s, %zu tensors, %s\n", printable(out).c_str(),
        printable(checkpoint.info.model).c_str(), network.state().size(),
        megabytes(double(std::filesystem::file_size(out))).c_str());
    return 0;
  }
};

std::function<int()> prepare(int argc, char** argv) {
  CLI::App app(
      "Writes a network's weights for other programs: safetensors, a .pth that PyTorch's "
      "torch.load "
      "and load_state_dict take, or an ONNX model that onnxruntime runs. OUT's ending says "
      "which.\n\n"
      "  export_weights runs/train places.pth\n"
      "  export_weights runs/train places.onnx\n"
      "  export_weights resnet18.pth --model resnet18 resnet18.safetensors --half-weights\n",
      "export_weights");
  NetworkFlags network;
  std::string out;
  bool half = false, overwrite = false;
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  network.add_checkpoint_to(app);
  app.add_option("out", out, "the file to write")->type_name("OUT")->required();
  network.add_to(app);
  network.add_sizes_to(app);
  app.add_flag("--half-weights", half, "weights in half precision, in half the room");
  app.add_flag("--overwrite", overwrite, "replace OUT if it is there");
  parse(app, argc, argv);
  const Format format = format_of(out);
  std::error_code none;
  if (!overwrite && std::filesystem::exists(out, none))
    throw Error(printable(out) + " is there already; --overwrite replaces it");
  make_output_folder(folder_of(out));
  auto work = std::make_shared<Work>(
      Work{network.open(app), out, format, half ? WeightsAs::half : WeightsAs::they_are});
  return [work] { return work->run(); };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("export_weights", [&] { return prepare(argc, argv); });
}
