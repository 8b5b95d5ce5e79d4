// The names by which --augment chooses what happens to training images, and their values.
#include <algorithm>
#include <sstream>

#include "data/augment.h"
#include "kernels/machine/error.h"

namespace tweed {

const std::vector<AugmentationRow>& augmentation_rows() {
  static const std::vector<AugmentationRow> rows{
      {"mirror", "left and right exchanged, with probability 0.5",
       [](Augmentation& a, int) { a.mirror = true; }},
      {"crop", "cut out at a random place", [](Augmentation& a, int) { a.crop = true; }},
      {"pad", "the same, with an eighth of the image's size of zeros around it",
       [](Augmentation& a, int size) { a.crop = true, a.pad = size / 8; }},
      {"area", "25 to 100 % of the area, aspect ratio 0.8 to 1.2, resized, instead of a crop",
       [](Augmentation& a, int) { a.area = 0.25; }},
      {"rotate", "by up to 15 degrees, cut to the largest upright square inside",
       [](Augmentation& a, int) { a.rotate = 15; }},
      {"gain", "each channel times 0.85 to 1.15", [](Augmentation& a, int) { a.gain = 0.15; }},
      {"jitter",
       "brightness, contrast, saturation times 0.6 to 1.4, hues turned by up to 36 degrees",
       [](Augmentation& a, int) { a.jitter = 0.4; }},
      {"grey", "with probability 0.1", [](Augmentation& a, int) { a.grey = 0.1; }},
      {"randaugment", "2 of 14 operations at magnitude 9 of 30",
       [](Augmentation& a, int) { a.randaugment = 2; }},
      {"erase", "a rectangle of 2 to 33 % of the area set to 0, with probability 0.5",
       [](Augmentation& a, int) { a.erase = 0.5; }},
      {"mixup", "mixed with another image and its label, alpha 0.2",
       [](Augmentation& a, int) { a.mixup = 0.2; }},
      {"cutmix", "a rectangle of another image, and as much of its label, alpha 1",
       [](Augmentation& a, int) { a.cutmix = 1; }},
      {"bicubic", "instead of bilinear where pixels are mixed",
       [](Augmentation& a, int) { a.bicubic = true; }},
      {"coursework", "mirror,gain,rotate,area: the assignment's",
       [](Augmentation& a, int) { a.mirror = true, a.gain = 0.15, a.rotate = 15, a.area = 0.25; }},
  };
  return rows;
}

namespace {

// What people call them elsewhere.
const char* meant_by(const std::string& name) {
  const std::pair<const char*, const char*> others[] = {
      {"flip", "mirror"},   {"rotation", "rotate"}, {"gray", "grey"},    {"color", "jitter"},
      {"colour", "jitter"}, {"resized", "area"},    {"cutout", "erase"}, {"erasing", "erase"}};
  for (auto& [other, ours] : others)
    if (name.find(other) != std::string::npos) return ours;
  return nullptr;
}

[[noreturn]] void refuse(const std::string& name) {
  std::string all;
  for (auto& row : augmentation_rows()) all += (all.empty() ? "" : ", ") + std::string(row.name);
  const char* meant = meant_by(name);
  throw Error("--augment takes none, or some of " + all + ", not " + in_quotes(name, 60) +
              (meant ? std::string("; did you mean '") + meant + "'?" : ""));
}

}  // namespace

Augmentation parse_augmentation(const std::string& text, int image_size) {
  Augmentation result{.mirror = false, .crop = false};
  std::istringstream names(text);
  for (std::string name; std::getline(names, name, ',');) {
    const auto& rows = augmentation_rows();
    const auto row =
        std::find_if(rows.begin(), rows.end(), [&](auto& r) { return r.name == name; });
    if (row != rows.end())
      row->add(result, image_size);
    else if (name != "none" || text != "none")
      refuse(name);
  }
  if (result.area > 0 && result.crop)
    throw Error("--augment cuts either by area or by crop and pad, not both: " +
                in_quotes(text, 60));
  return result;
}

std::string text_of(const Augmentation& a) {
  std::ostringstream text;
  text << (a.mirror ? "mirror " : "") << (a.crop ? "crop " : "") << "pad " << a.pad;
  auto add = [&](const char* name, double value) {
    if (value != 0) text << " " << name << " " << value;
  };
  add("rotate", a.rotate), add("area", a.area), add("gain", a.gain), add("jitter", a.jitter);
  add("grey", a.grey), add("randaugment", a.randaugment), add("erase", a.erase);
  if (a.randaugment) add("magnitude", a.magnitude);
  add("mixup", a.mixup), add("cutmix", a.cutmix);
  if (a.bicubic) text << " bicubic";
  return text.str();
}

}  // namespace tweed
