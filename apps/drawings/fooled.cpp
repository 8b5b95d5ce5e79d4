#include "apps/drawings/fooled.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "autograd/image_ops.h"
#include "kernels/machine/printable.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"

namespace tweed::app {
namespace {

Tensor mirrored(const Tensor& x) { return flip(x, 2); }
Tensor cropped(const Tensor& x) {
  const int64_t height = x.dim(1) * 4 / 5, width = x.dim(2) * 4 / 5;
  const Tensor part = crop(x, (x.dim(1) - height) / 2, (x.dim(2) - width) / 2, height, width);
  return resize_bilinear(part, x.dim(1), x.dim(2));
}
Tensor turned(const Tensor& x) { return rotate(x, 30); }

// Pixels as numbers from 0 to 1: where those changes are made, so that black is black.
Tensor pixels_of(const Image& image) {
  std::vector<float> values;
  for (const uint8_t v : image.pixels) values.push_back(float(v) / 255.f);
  return Tensor::from(values, {1, image.height, image.width, 3});
}
Image image_of(const Tensor& pixels) {
  Image image{int(pixels.dim(1)), int(pixels.dim(2)), {}};
  for (const float v : pixels.to_vector<float>())
    image.pixels.push_back(uint8_t(255 * std::clamp(v, 0.f, 1.f) + 0.5f));
  return image;
}

Judged judge(const Checkpoint& checkpoint, const Image& image, int32_t target, Device device) {
  EvalMode eval(*checkpoint.network);
  NoGrad no_grad;
  const CheckpointInfo& info = checkpoint.info;
  const Tensor logits = forward_float(*checkpoint.network, normalized({&image, 1}, info, device));
  const auto answers = top_classes(logits, info.classes, int64_t(info.classes.size()))[0];
  const auto found = std::find_if(answers.begin(), answers.end(),
                                  [&](const Answer& a) { return a.label == target; });
  return {image, answers[0], found == answers.end() ? 0 : found->probability};
}

// Normalised (1, H, W, 3) as a picture.
Image picture_of(const Tensor& x, const CheckpointInfo& info) {
  auto values = x.to_vector<float>();
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = values[i] * info.std[i % 3] + info.mean[i % 3];
  return image_of(Tensor::from(values, x.shape()));
}

int largest_change(const Image& a, const Image& b) {
  int largest = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i)
    largest = std::max(largest, std::abs(int(a.pixels[i]) - int(b.pixels[i])));
  return largest;
}

// The difference, as large as it can be drawn around the middle grey.
Image magnified(const Image& before, const Image& after) {
  const double scale = 127. / std::max(1, largest_change(before, after));
  Image noise = before;
  for (std::size_t i = 0; i < noise.pixels.size(); ++i)
    noise.pixels[i] =
        uint8_t(std::lround(128 + scale * (int(after.pixels[i]) - int(before.pixels[i]))));
  return noise;
}

std::string said(const Judged& judged) {
  char text[20];
  std::snprintf(text, sizeof text, " %.2f", judged.answer.probability);
  return judged.answer.name + text;
}

Json json_of(const Judged& judged) {
  return {{"answer", app::json_of(judged.answer)}, {"target", judged.target}};
}

Cell cell_of(const Judged& judged, const FooledImage& of) {
  const int64_t answer = judged.answer.label;
  const Ink ink = answer == of.target                ? Ink::bad
                  : answer == of.before.answer.label ? Ink::good
                                                     : Ink::black;
  return {judged.image, {{said(judged), ink}}};
}

double percent(int64_t count, std::size_t of) { return of ? 100. * double(count) / double(of) : 0; }

}  // namespace

const std::vector<Change>& changes() {
  static const std::vector<Change> all{{"mirrored", mirrored},
                                       {"80 % of it", cropped},
                                       {"turned by 30 degrees", turned},
                                       {"grey", grey}};
  return all;
}

std::vector<FooledImage> fool_samples(const Checkpoint& checkpoint, const Samples& samples,
                                      const std::vector<int32_t>& targets,
                                      const FoolOptions& options, bool with_changes,
                                      Device device) {
  const CheckpointInfo& info = checkpoint.info;
  const Tensor x = normalized(samples.images, info, device);
  const Fooled fooled =
      fool(*checkpoint.network, x, Tensor::from(targets, {x.dim(0)}, device), options);
  std::vector<FooledImage> all;
  for (std::size_t i = 0; i < samples.images.size() && !interrupted(); ++i) {
    const Image& original = samples.images[i];
    const Image after = picture_of(fooled.images.slice(int64_t(i), int64_t(i) + 1), info);
    const int32_t target = targets[i];
    all.push_back({samples.names[i],
                   samples.files[i],
                   samples.labels[i],
                   target,
                   judge(checkpoint, original, target, device),
                   judge(checkpoint, after, target, device),
                   magnified(original, after),
                   fooled.probability[i],
                   double(largest_change(original, after)),
                   fooled.steps[i],
                   {}});
    if (!with_changes) continue;
    const Tensor pixels = pixels_of(after);
    for (auto& change : changes())
      all.back().changed.push_back(
          judge(checkpoint, image_of(change.apply(pixels)), target, device));
  }
  return all;
}

Transfer transfer_to(const Checkpoint& other, const std::vector<FooledImage>& images,
                     Device device) {
  const int size = other.info.image_size;
  int64_t before = 0, after = 0, target = 0;
  for (auto& image : images) {
    const int64_t truth = image.label >= 0 ? image.label : image.before.answer.label;
    auto seen = [&](const Image& picture) {
      const Image fitting =
          picture.height == size && picture.width == size ? picture : resize(picture, size, size);
      return judge(other, fitting, image.target, device).answer.label;
    };
    before += seen(image.before.image) == truth;
    const int64_t answer = seen(image.after.image);
    after += answer == truth;
    target += answer == image.target;
  }
  return {other.info.model, percent(before, images.size()), percent(after, images.size()),
          percent(target, images.size())};
}

std::string text(const FooledImage& image) {
  char way[80];
  std::snprintf(way, sizeof way, "%d step%s, %.0f/255 at most", image.steps,
                image.steps == 1 ? "" : "s", image.largest);
  return printable(image.name) + ": " + printable(said(image.before)) + " -> " +
         printable(said(image.after)) + ", " + way;
}

Json json_of(const FooledImage& image) {
  Json all{{"file", image.file},
           {"before", json_of(image.before)},
           {"after", json_of(image.after)},
           {"target", image.target},
           {"reached", image.reached},
           {"steps", image.steps},
           {"largest_change", image.largest}};
  if (image.label >= 0) all["label"] = image.label;
  for (std::size_t i = 0; i < image.changed.size(); ++i)
    all["changed"][changes()[i].name] = json_of(image.changed[i]);
  return all;
}

Sheet fooled_sheet(const std::vector<FooledImage>& images, const CheckpointInfo& info,
                   bool in_pairs) {
  Sheet sheet;
  sheet.title = "What " + info.model + " can be made to say";
  double largest = 0;
  for (auto& image : images) largest = std::max(largest, image.largest);
  char limit[80];
  std::snprintf(limit, sizeof limit, "No pixel differs by more than %.0f/255.", largest);
  sheet.notes = {limit,
                 "Red: what the network was made to say. Green: what it says of the original."};
  if (info.image_size < 100) sheet.scaling = Scaling::nearest;
  std::vector<Cell> pairs;
  for (auto& image : images) {
    std::vector<Cell> row{{image.before.image, {said(image.before)}}};
    if (!in_pairs) row.push_back({image.noise, {"noise, magnified"}});
    row.push_back(cell_of(image.after, image));
    for (std::size_t i = 0; i < image.changed.size(); ++i) {
      row.push_back(cell_of(image.changed[i], image));
      row.back().captions.emplace_back(changes()[i].name);
    }
    if (in_pairs)
      pairs.insert(pairs.end(), row.begin(), row.end());
    else
      sheet.rows.push_back(row);
  }
  if (in_pairs) {
    sheet.rows = in_rows(pairs, 8);
    sheet.cell_size = 128;
  }
  return sheet;
}

}  // namespace tweed::app
