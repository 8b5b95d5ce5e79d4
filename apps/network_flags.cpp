#include "apps/network_flags.h"

#include <filesystem>

#include "apps/flags.h"
#include "apps/numbers.h"
#include "apps/run_folder.h"
#include "data/class_names.h"
#include "kernels/machine/printable.h"
#include "nn/models/models.h"

namespace tweed::app {
namespace {

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
void parse_resize(const std::string& text, NetworkFlags& f) {
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

// The answers look like answers, whatever the pixels were.
void warn_of_guess(const std::string& model, const CLI::App& flags) {
  std::vector<std::string> missing;
  for (const char* name :
       {"--mean", "--std", "--resize", "--crop", "--load-size", "--image-size"}) {
    const CLI::Option* flag = flags.get_option_no_throw(name);
    if (flag && !flag->count()) missing.push_back(name);
  }
  if (preprocessing_of(model).published || missing.empty()) return;
  say_error(
      "%s how images were prepared for these weights of %s is not known, so what it answers is "
      "a guess; %s would say it\n",
      styled_error(Style::yellow, "note:").c_str(), printable(model).c_str(),
      joined(missing).c_str());
}

}  // namespace

void NetworkFlags::add_checkpoint_to(CLI::App& flags) {
  flags
      .add_option("checkpoint,--weights", weights,
                  "weights written by train_miniplaces, a run's folder (its best), or with --model "
                  "other safetensors and PyTorch's .pth")
      ->required();
}

void NetworkFlags::add_to(CLI::App& flags) {
  flags
      .add_option("--model", model,
                  "the network that weights from elsewhere are for: " + joined(model_names()) +
                      ", or a JSON file; its parameters have torchvision's names")
      ->type_name("NAME");
  flags
      .add_option("--classes-file", classes_file,
                  "the network's class names, a line each, in label order")
      ->type_name("FILE");
  add_read(flags, "--mean", "X|X,X,X", "",
           "subtracted from pixels in 0..1; one or three numbers or fractions, such as "
           "123/255,117/255,104/255. Default: as the checkpoint says, or as --model's weights were "
           "published",
           [this](const std::string& text, const std::string& flag) {
             mean = parse_channels(text, flag, {});
           });
  add_read(flags, "--std", "X|X,X,X", "", "divided by afterwards",
           [this](const std::string& text, const std::string& flag) {
             std = parse_channels(text, flag, above_zero);
           });
}

void NetworkFlags::add_sizes_to(CLI::App& flags) {
  add_read(flags, "--resize", "N|NxN", "",
           "N: the shorter side becomes N pixels; NxN: both. Default: as for --mean",
           [this](const std::string& text, const std::string&) { parse_resize(text, *this); });
  add_whole(flags, "--crop", crop, {8, 4096}, "pixels cut from the middle; default: as for --mean")
      ->default_str("");
}

Checkpoint NetworkFlags::open(const CLI::App& flags) const {
  std::error_code none;
  if (foreign() && std::filesystem::is_directory(weights, none))
    throw Error("--model is for weights from elsewhere, in a file; " + in_quotes(weights) +
                " is a folder" +
                (holds_run(weights) ? ", of a run of ours, which knows its network" : ""));
  Checkpoint c = foreign() ? load_weights(weights, model) : load_checkpoint(weights_file(weights));
  for (auto& note : c.notes)
    say_error("%s: %s: %s\n", flags.get_name().c_str(), printable(weights).c_str(), note.c_str());
  if (foreign()) warn_of_guess(model, flags);
  apply(c.info);
  return c;
}

void NetworkFlags::apply(CheckpointInfo& info) const {
  if (crop) info.image_size = crop;
  if (resize) info.load_size = resize;
  if (info.load_size < info.image_size)
    throw Error("--crop " + std::to_string(info.image_size) + " is more than --resize " +
                std::to_string(info.load_size));
  info.mean = mean.value_or(info.mean);
  info.std = std.value_or(info.std);
  if (classes_file.empty()) return;
  auto names = read_class_names(classes_file);
  if (names.size() != info.classes.size())
    throw Error(printable(classes_file) + " names " + std::to_string(names.size()) +
                " classes, but the network has " + std::to_string(info.classes.size()));
  info.classes = names;
}

}  // namespace tweed::app
