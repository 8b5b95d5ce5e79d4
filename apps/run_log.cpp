#include "apps/run_log.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "apps/run_folder.h"

namespace tweed::app {
namespace {

// The file of events in a folder of tensorboard/, which is made if need be.
std::string events_in(const std::string& folder, const char* part) {
  const std::string place = folder + "/" + run_file::tensorboard + part;
  std::error_code error;
  std::filesystem::create_directories(place, error);
  if (error) throw Error(printable(place) + ": cannot be created: " + error.message());
  return place + "/" + EventFile::name;
}

// Some thousand values show how they are distributed.
std::vector<float> sample_of(const Tensor& t) {
  constexpr std::size_t most = 20'000;
  const auto all = t.to_doubles();
  const std::size_t stride = all.size() / most + 1;
  std::vector<float> values;
  for (std::size_t i = 0; i < all.size(); i += stride) values.push_back(float(all[i]));
  return values;
}

}  // namespace

double rounded(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.6g", value);
  return std::strtod(text, nullptr);
}

RunLog::RunLog(const std::string& folder, int every, int64_t epochs, int64_t steps)
    : folder_(folder),
      every_(every > 0 ? every : 10),
      metrics_(folder + "/" + run_file::metrics, epochs),
      iterations_(folder + "/" + run_file::iterations, steps, "iteration"),
      layers_(folder + "/" + run_file::layers, epochs),
      events_(events_in(folder, ""), steps > 0 ? steps : -1),
      train_events_(events_in(folder, "/train"), epochs > 0 ? epochs : -1),
      val_events_(events_in(folder, "/val"), epochs > 0 ? epochs : -1) {}

void RunLog::add(const std::vector<LoggedStep>& steps) {
  for (auto& [result, epoch, rate, images_per_second] : steps) {
    const int64_t iteration = result.step + 1;
    iterations_.append({{"iteration", iteration},
                        {"epoch", epoch},
                        {"loss", rounded(result.score.loss)},
                        {"top1", rounded(result.score.top1)},
                        {"lr", rate},
                        {"gradient_first_conv", rounded(result.first_gradient)},
                        {"gradient_last_conv", rounded(result.last_gradient)},
                        {"images_per_s", rounded(images_per_second)}});
    if (iteration % every_ != 0) continue;
    events_.scalar("data/training_loss", iteration, result.score.loss);
    events_.scalar("data/learning_rate", iteration, rate);
  }
  events_.flush();
}

void RunLog::add_epoch(const LoggedEpoch& e, const std::vector<Metric>& line) {
  metrics_.append(line);
  val_events_.scalar("data/calibration_error", e.epoch, e.calibration_error);
  if (e.robust) val_events_.scalar("data/robust_top1_accuracy", e.epoch, e.robust->top1);
  for (auto& [events, score] :
       {std::pair<EventFile&, const Score&>(train_events_, e.train), {val_events_, e.val}}) {
    events.scalar("data/loss", e.epoch, score.loss);
    events.scalar("data/top1_accuracy", e.epoch, score.top1);
    events.scalar("data/top5_accuracy", e.epoch, score.top5);
    events.flush();
  }
  for (auto& layer : e.layers) {
    layers_.append({{"epoch", e.epoch},
                    {"layer", layer.name},
                    {"weight", rounded(layer.weight)},
                    {"gradient", rounded(layer.gradient)},
                    {"activation", rounded(layer.activation)}});
    events_.scalar("gradient_magnitude/" + layer.name, e.steps, layer.gradient);
    events_.scalar("activation_magnitude/" + layer.name, e.steps, layer.activation);
  }
  events_.flush();
}

void RunLog::add_histograms(int64_t steps, const Module& network) {
  for (auto& [name, t] : network.parameters()) {
    events_.histogram("weights/" + name, steps, sample_of(t));
    const Tensor g = requires_grad(t) ? grad(t) : Tensor();
    if (g.defined()) events_.histogram("gradients/" + name, steps, sample_of(g));
  }
  events_.flush();
}

void RunLog::add_image(const std::string& tag, int64_t step, const Image& image) {
  events_.image(tag, step, image);
  events_.flush();
}

void RunLog::add_text(const std::string& tag, const std::string& markdown) {
  events_.text(tag, 0, markdown);
  events_.flush();
}

}  // namespace tweed::app
