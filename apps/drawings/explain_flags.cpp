#include "apps/drawings/explain_flags.h"

#include <algorithm>

#include "apps/numbers.h"
#include "kernels/machine/printable.h"
#include "kernels/machine/suggest.h"

namespace tweed::app {

std::vector<std::string> listed(const std::string& text, const std::string& flag) {
  std::vector<std::string> words;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    words.push_back(text.substr(start, end - start));
    if (words.back().empty())
      throw Error(flag + " takes names with commas between them, not " + in_quotes(text, 60));
    start = end + 1;
  }
  return words;
}

int32_t class_called(const std::string& name, const std::vector<std::string>& classes,
                     const std::string& flag) {
  const auto found = std::find(classes.begin(), classes.end(), name);
  if (found != classes.end()) return int32_t(found - classes.begin());
  if (!name.empty() && name.find_first_not_of("0123456789") == std::string::npos)
    return int32_t(parse_whole(name, flag, {0, int64_t(classes.size()) - 1}));
  throw Error(flag + ": there is no class " + in_quotes(name, 60) + did_you_mean(name, classes) +
              "; there are " + printable(joined(classes), 400));
}

void ExplainFlags::add_to(CLI::App& flags) {
  flags
      .add_option("--method", methods,
                  "how maps are made, names with commas between them: " +
                      joined(explain_method_names()) + "; or all that the network is fit for")
      ->type_name("NAME,...")
      ->capture_default_str();
  flags
      .add_option("--layer", layer,
                  "whose channels Grad-CAM weighs; default: the last that gives a map")
      ->type_name("NAME");
  flags
      .add_option("--target", target,
                  "the class to ask about, by name or number; default: the "
                  "predicted one")
      ->type_name("CLASS");
  flags
      .add_option("--colors", colors,
                  "red: pixels above twice the mean, as in the coursework; grey, dusk, ember: from "
                  "dark to bright in even steps; signed: blue against the class, red for it")
      ->check(one_of(color_names()))
      ->type_name("NAME")
      ->capture_default_str();
  flags
      .add_option("--score", score,
                  "what of the class is explained: its logit, probability or log-probability; "
                  "default: the logit, with --method gradient the logarithm")
      ->check(one_of(score_names()))
      ->type_name("NAME");
  flags
      .add_option("--baseline", baseline,
                  "what stands for nothing in integrated gradients and occlusion: mean, black or "
                  "white")
      ->check(one_of({"mean", "black", "white"}))
      ->type_name("NAME")
      ->capture_default_str();
  add_whole(flags, "--steps", options.steps, {1, 100000}, "of integrated gradients");
  add_whole(flags, "--samples", options.samples, {1, 100000}, "noisy copies, for SmoothGrad");
  add_number(flags, "--noise", options.noise, {0, 10},
             "its deviation, as a part of the image's range of values");
  add_whole(flags, "--window", options.window, {1, 4096},
            "pixels of a side that occlusion covers; default: an eighth of the image")
      ->default_str("");
  add_whole(flags, "--stride", options.stride, {1, 4096},
            "from one window to the next; default: half a window")
      ->default_str("");
}

// A flag that changes nothing is a mistake.
void ExplainFlags::check_used(const CLI::App& flags, const MapWish& wish) const {
  const auto any = [&](auto fits) {
    return std::any_of(wish.methods.begin(), wish.methods.end(), [&](auto* m) { return fits(*m); });
  };
  const auto named = [&](const std::vector<std::string>& names) {
    return any([&](const ExplainMethod& m) {
      return std::find(names.begin(), names.end(), m.name) != names.end();
    });
  };
  const auto check = [&](const char* flag, bool used, const char* whose) {
    if (flags.get_option(flag)->count() && !used)
      throw Error(std::string(flag) + " belongs to " + whose + ", not to --method " + methods);
  };
  check("--layer", any([](auto& m) { return m.of_layer; }), "grad-cam and grad-cam++");
  check("--target", any([](auto& m) { return m.of_target; }), "methods that ask about a class");
  check("--score", any([](auto& m) { return m.of_target; }), "methods that ask about a class");
  check("--steps", named({"integrated-gradients"}), "integrated-gradients");
  check("--samples", named({"smoothgrad", "vargrad"}), "smoothgrad and vargrad");
  check("--noise", named({"smoothgrad", "vargrad"}), "smoothgrad and vargrad");
  check("--window", named({"occlusion"}), "occlusion");
  check("--stride", named({"occlusion"}), "occlusion");
  check("--baseline", named({"integrated-gradients", "occlusion"}),
        "integrated-gradients and occlusion");
}

static Tensor baseline_of(const std::string& name, const CheckpointInfo& info) {
  if (name == "mean") return {};
  std::vector<float> values;
  for (std::size_t c = 0; c < 3; ++c)
    values.push_back(((name == "white" ? 1 : 0) - info.mean[c]) / info.std[c]);
  return Tensor::from(values, {3});
}

MapWish ExplainFlags::open(const CLI::App& flags, const Checkpoint& checkpoint,
                           Device device) const {
  MapWish wish{.methods = {}, .options = options, .colors = parse_colors(colors)};
  wish.options.layer = layer;
  // The graph keeps all activations: four images of ImageNet's size together, more of smaller ones.
  const int64_t size = checkpoint.info.image_size;
  wish.options.at_once = std::clamp<int64_t>(4 * 224 * 224 / (size * size), 1, 16);
  wish.options.baseline = baseline_of(baseline, checkpoint.info);
  if (!score.empty()) wish.options.score = parse_score(score);
  if (!target.empty()) wish.target = class_called(target, checkpoint.info.classes, "--target");
  ExplainOptions at_once = wish.options;  // stops before the first pass of many
  at_once.cancelled = [] { return true; };
  const Tensor x = Tensor::zeros({1, size, size, 3}, DType::float32, device);
  for (auto& name : methods == "all" ? explain_method_names() : listed(methods, "--method")) {
    const ExplainMethod& method = explain_method(name);
    try {
      explain(*checkpoint.network, x, method, at_once);
      wish.methods.push_back(&method);
    } catch (const ShapeError&) {
      throw;
    } catch (const Error&) {
      if (methods != "all" || (method.of_layer && !layer.empty())) throw;
    }
  }
  check_used(flags, wish);
  return wish;
}

}  // namespace tweed::app
