// Draws a contact sheet of TinyPlaces, or writes its images out raw. See --help.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>

#include "data/dataset.h"
#include "data/tiny_places.h"
#include "kernels/machine/error.h"

using namespace tweed;

namespace {

struct Flags {
  std::string out = "tiny_places.png", dump, classes;
  int size = 96, per_class = 12, gap = 4, workers = 2;
  int64_t train = 800, validation = 100;
  uint64_t seed = 0;
};

void paste(Image& onto, const Image& image, int top, int left) {
  for (int y = 0; y < image.height; ++y)
    std::copy_n(image.at(y, 0), image.width * 3, onto.at(top + y, left));
}

// A row for each class, in label order; validation images.
void write_contact_sheet(const Flags& f) {
  auto listing = choose(list_tiny_places(0, f.per_class), f.classes, 0);
  std::stable_sort(listing.validation.begin(), listing.validation.end(),
                   [](const Sample& a, const Sample& b) { return a.label < b.label; });
  int step = f.size + f.gap, rows = int(listing.classes.size());
  Image sheet{rows * step + f.gap, f.per_class * step + f.gap, {}};
  sheet.pixels.assign(std::size_t(sheet.height) * std::size_t(sheet.width) * 3, 255);
  for (int i = 0; i < int(listing.validation.size()); ++i)
    paste(sheet, draw_tiny_place(listing.validation[std::size_t(i)], f.seed, f.size),
          f.gap + i / f.per_class * step, f.gap + i % f.per_class * step);
  write_png(f.out, sheet);
  std::printf("wrote %s: %d rows, in order", f.out.c_str(), rows);
  for (auto& name : listing.classes) std::printf(" %s", name.c_str());
  std::printf("\n");
}

// PREFIX.train.images, PREFIX.train.labels, and the same for val: bytes (N, size, size, 3) and (N).
void dump(const Flags& f) {
  DataOptions options;
  options.image_size = options.load_size = f.size;
  options.workers = f.workers;
  options.seed = f.seed;
  options.tiny_train = f.train;
  options.tiny_validation = f.validation;
  options.keep = Keep::in_memory;
  DataSplits data = open_dataset("tiny", options);
  for (auto& [name, split] :
       {std::pair{"train", &data.train}, std::pair{"val", &data.validation}}) {
    std::ofstream images(f.dump + "." + name + ".images", std::ios::binary);
    std::ofstream labels(f.dump + "." + name + ".labels", std::ios::binary);
    for (int64_t i = 0; i < split->size(); ++i) {
      Image image = split->image(i);
      images.write(reinterpret_cast<const char*>(image.pixels.data()), long(image.pixels.size()));
      labels.put(char(split->label(i)));
    }
    if (!images.flush() || !labels.flush()) throw Error(f.dump + ": cannot be written");
    std::printf("wrote %s.%s.{images,labels}: %ld images\n", f.dump.c_str(), name,
                long(split->size()));
  }
}

}  // namespace

int main(int argc, char** argv) {
  Flags f;
  CLI::App app("Draws a contact sheet of TinyPlaces, the built-in data set: a row for each class.",
               "tiny_places_sheet");
  app.add_option("--out", f.out, "the picture to write (PNG)")->capture_default_str();
  app.add_option("--size", f.size, "pixels of an image")
      ->check(CLI::Range(8, 2048))
      ->capture_default_str();
  app.add_option("--per-class", f.per_class, "images in a row")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--classes", f.classes, "the first N, or names; default: all");
  app.add_option("--seed", f.seed, "of the scenes")->capture_default_str();
  app.add_option("--dump", f.dump,
                 "instead write PREFIX.train.images and PREFIX.train.labels (bytes), and the same "
                 "for val")
      ->type_name("PREFIX");
  app.add_option("--train", f.train, "with --dump: training images a class")->capture_default_str();
  app.add_option("--val", f.validation, "with --dump: validation images a class")
      ->capture_default_str();
  app.add_option("--workers", f.workers, "threads that draw")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) ? 2 : 0;
  }
  try {
    f.dump.empty() ? write_contact_sheet(f) : dump(f);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "tiny_places_sheet: %s\n", e.what());
    return 1;
  }
  return 0;
}
