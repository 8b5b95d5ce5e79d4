#include "apps/drawings/sheets.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "data/augment.h"
#include "explain/saliency.h"
#include "kernels/machine/printable.h"
#include "nn/answers.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"
#include "record/draw/canvas.h"
#include "record/event_file.h"
#include "record/run_files.h"

namespace tweed::app {

std::string percent(double p) {
  char text[20];
  std::snprintf(text, sizeof text, "%.0f %%", 100 * p);
  return text;
}
Caption said(const Answer& answer, int32_t truth) {
  std::string text = answer.name + " " + percent(answer.probability);
  if (truth < 0) return {text};
  return {text, answer.label == truth ? Ink::good : Ink::bad};
}
Caption truth_of(const Samples& samples, std::size_t i, const CheckpointInfo& info) {
  return samples.labels[i] < 0 ? samples.names[i]
                               : "true: " + info.classes[std::size_t(samples.labels[i])];
}
Scaling scaling_for(int image_size) {
  return image_size <= 64 ? Scaling::nearest : Scaling::bilinear;
}

Image pixels_of(const Tensor& t, const CheckpointInfo& info, double scale, double offset,
                bool difference) {
  auto values = t.to_doubles();
  Image image{int(t.dim(0)), int(t.dim(1)), {}};
  for (std::size_t i = 0; i < values.size(); ++i) {
    double v = values[i] * double(info.std[i % 3]) + double(difference ? 0 : info.mean[i % 3]);
    image.pixels.push_back(uint8_t(std::clamp(255 * (scale * v + offset), 0.0, 255.0) + 0.5));
  }
  return image;
}

namespace {

// What a network says about each image.
std::vector<Answer> answers(const Tensor& logits, const CheckpointInfo& info) {
  std::vector<Answer> result;
  for (auto& likeliest : top_classes(logits, info.classes, 1)) result.push_back(likeliest[0]);
  return result;
}

Tensor logits_of(Module& network, const Tensor& x) {
  EvalMode eval(network);
  NoGrad no_grad;
  return forward_float(network, x);
}

Tensor difference(const Tensor& a, const Tensor& b) {
  auto x = a.to_vector<float>(), y = b.to_vector<float>();
  for (std::size_t i = 0; i < x.size(); ++i) x[i] -= y[i];
  return Tensor::from(x, a.shape());
}
Tensor at(const Tensor& batch, int64_t i) {
  return batch.slice(i, i + 1).reshape(batch.shape().part(1, batch.ndim()));
}

// Of a pixel in 0..1, from one batch of normalised images to another.
double largest_change(const Tensor& a, const Tensor& b, const CheckpointInfo& info) {
  const auto x = a.to_vector<float>(), y = b.to_vector<float>();
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    largest = std::max(largest, std::abs(double(x[i]) - double(y[i])) * double(info.std[i % 3]));
  return largest;
}

}  // namespace

Samples pick_samples(const Dataset& data, const CheckpointInfo& info, int64_t count,
                     int64_t first) {
  Samples samples;
  const int64_t n = data.size(), end = std::min(first + count, n);
  // The k-th image of class after class, so that a sheet shows as many classes as it can.
  std::vector<std::vector<int64_t>> by_class(info.classes.size());
  for (int64_t i = 0; i < n; ++i) by_class[std::size_t(data.label(i))].push_back(i);
  int64_t place = 0;
  for (std::size_t k = 0; place < end; ++k)
    for (auto& members : by_class)
      if (k < members.size() && place < end && place++ >= first) {
        samples.images.push_back(validation_crop(data.image(members[k]), info.image_size));
        samples.labels.push_back(data.label(members[k]));
        samples.names.push_back(data.path(members[k]));
        samples.files.push_back(data.path(members[k]));
      }
  return samples;
}

Tensor normalized(std::span<const Image> images, const CheckpointInfo& info, Device device) {
  std::vector<float> values;
  for (auto& image : images)
    for (std::size_t i = 0; i < image.pixels.size(); ++i)
      values.push_back((float(image.pixels[i]) / 255.f - info.mean[i % 3]) / info.std[i % 3]);
  int64_t size = info.image_size;
  return Tensor::from(values, {int64_t(images.size()), size, size, 3}, device);
}

bool write_attack_sheet(const std::string& path, const Checkpoint& checkpoint,
                        const Samples& samples, const std::string& name, const PgdOptions& options,
                        Device device) {
  const CheckpointInfo& info = checkpoint.info;
  Module& network = *checkpoint.network;
  Tensor x = normalized(samples.images, info, device);
  auto before = answers(logits_of(network, x), info);
  std::vector<int32_t> labels = samples.labels;
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (labels[i] < 0)
      labels[i] = int32_t(before[i].label);  // without a true label, the network's own
  const Attack attack = attack_called(name)(interruptible(options), device);
  network.set_random_step({});
  const Tensor changed = attack(network, x, Tensor::from(labels, {x.dim(0)}, device));
  if (interrupted()) return false;
  auto after = answers(logits_of(network, changed), info);

  std::vector<Cell> cells;
  const double largest = largest_change(changed, x, info);
  for (std::size_t i = 0; i < samples.images.size(); ++i) {
    Tensor attacked = at(changed, int64_t(i));
    Tensor noise = difference(attacked, at(x, int64_t(i)));
    cells.push_back(
        {samples.images[i], {truth_of(samples, i, info), said(before[i], samples.labels[i])}});
    cells.push_back(
        {pixels_of(noise, info, largest > 0 ? 0.5 / largest : 0, 0.5, true), {"noise, magnified"}});
    cells.push_back(
        {pixels_of(attacked, info, 1, 0, false), {"attacked", said(after[i], samples.labels[i])}});
  }
  Sheet sheet;
  sheet.title = info.model + ": " + attack_text(name, settled(name, options), info);
  char extent[100];
  std::snprintf(extent, sizeof extent, "grey where nothing; at most %.1f/255 of a value.",
                255 * largest);
  sheet.notes = {std::string("Left: the original. Middle: what the attack added, ") + extent,
                 "Right: their sum, and what the network says then."};
  sheet.scaling = scaling_for(info.image_size);
  sheet.rows = in_rows(cells, samples.images.size() > 1 ? 6 : 3);
  write_sheet(path, sheet);
  return true;
}

namespace {

// Ten images in a row, without gaps, as torchvision's make_grid is used there.
Image mosaic(const std::vector<Image>& images) {
  constexpr int columns = 10;
  const int side = images[0].width, count = int(images.size());
  Image all =
      draw::blank_image((count + columns - 1) / columns * side, std::min(count, columns) * side);
  for (int i = 0; i < count; ++i)
    draw::draw_image(all, i % columns * side, i / columns * side, images[std::size_t(i)]);
  return all;
}

struct Mosaics {
  int64_t batch = 0;
  Image saliency, attacked, original;
};

Mosaics mosaics_of(const Checkpoint& checkpoint, const std::vector<Image>& images,
                   const std::vector<int32_t>& labels, const Attack& attack, Device device) {
  const CheckpointInfo& info = checkpoint.info;
  Module& network = *checkpoint.network;
  Mosaics result;
  std::vector<Image> shown;
  for (auto& image : images) {
    const Saliency s = saliency(network, normalized({&image, 1}, info, device));
    shown.push_back(saliency_overlay(image, at(s.map, 0)));
  }
  result.saliency = mosaic(shown);
  if (!attack) return result;
  network.set_random_step({});
  const Tensor changed = attack(network, normalized(images, info, device),
                                Tensor::from(labels, {int64_t(labels.size())}, device));
  shown.clear();
  for (std::size_t i = 0; i < images.size(); ++i)
    shown.push_back(pixels_of(at(changed, int64_t(i)), info, 1, 0, false));
  result.attacked = mosaic(shown);
  result.original = mosaic(images);
  return result;
}

}  // namespace

bool write_event_images(const std::string& folder, const Checkpoint& checkpoint,
                        const Dataset& data, const std::string& name, const PgdOptions* options,
                        Device device) {
  constexpr int64_t batch = 100, every = 10, shown = 20;
  const Attack attack = options ? attack_called(name)(interruptible(*options), device) : Attack();
  std::vector<Mosaics> all;
  for (int64_t first = 0; first < data.size(); first += batch * every) {
    std::vector<Image> images;
    std::vector<int32_t> labels;
    for (int64_t i = first; i < std::min(data.size(), first + shown); ++i) {
      images.push_back(validation_crop(data.image(i), checkpoint.info.image_size));
      labels.push_back(data.label(i));
    }
    all.push_back(mosaics_of(checkpoint, images, labels, attack, device));
    all.back().batch = first / batch;
    if (interrupted()) return false;
  }
  const std::string place = folder + "/" + run_file::tensorboard + "/evaluate";
  std::filesystem::create_directories(place);
  EventFile events(place + "/" + EventFile::name);
  for (auto& m : all) {
    events.image("Image", m.batch, m.saliency);
    if (!attack) continue;
    events.image("Org_Image", m.batch, m.original);
    events.image("Adv_Image", m.batch, m.attacked);
  }
  events.flush();
  return true;
}

void print_written(const std::string& path, const Samples& samples, const CheckpointInfo& info) {
  say("wrote %s: %zu image%s of %s\n", printable(path).c_str(), samples.images.size(),
      samples.images.size() == 1 ? "" : "s", size_text(info).c_str());
  std::fflush(stdout);
}

}  // namespace tweed::app
