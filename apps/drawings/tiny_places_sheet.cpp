// Draws a contact sheet of TinyPlaces, or writes its images out raw. See --help.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "apps/app.h"
#include "apps/numbers.h"
#include "data/dataset.h"
#include "data/tiny_places/tiny_places.h"
#include "kernels/machine/error.h"
#include "kernels/machine/printable.h"

using namespace tweed;
using namespace tweed::app;

namespace {

struct Flags {
  std::string out = "tiny_places.png", dump, classes;
  int size = 96, per_class = 12, gap = 4, workers = 2;
  int64_t train = 800, validation = 100;
  uint64_t seed = 0;
};

// Of a sheet, in pixels: ten rows of 2048 pixels are then a gigabyte.
constexpr int most_width = 16384;

void paste(Image& onto, const Image& image, int top, int left) {
  for (int y = 0; y < image.height; ++y)
    std::copy_n(image.at(y, 0), image.width * 3, onto.at(top + y, left));
}

// A row for each class, in label order; validation images.
int write_contact_sheet(const Flags& f) {
  auto listing = choose(list_tiny_places(0, f.per_class), {.classes = f.classes});
  std::stable_sort(listing.validation.begin(), listing.validation.end(),
                   [](const Sample& a, const Sample& b) { return a.label < b.label; });
  const int step = f.size + f.gap, rows = int(listing.classes.size());
  Image sheet{rows * step + f.gap, f.per_class * step + f.gap, {}};
  sheet.pixels.assign(std::size_t(sheet.height) * std::size_t(sheet.width) * 3, 255);
  for (int i = 0; i < int(listing.validation.size()); ++i) {
    if (interrupted()) return 130;
    paste(sheet, draw_tiny_place(listing.validation[std::size_t(i)], f.seed, f.size),
          f.gap + i / f.per_class * step, f.gap + i % f.per_class * step);
  }
  write_png(f.out, sheet);
  say("wrote %s: %d rows of %d images of %dx%d, in order", printable(f.out).c_str(), rows,
      f.per_class, f.size, f.size);
  for (auto& name : listing.classes) say(" %s", name.c_str());
  say("\n");
  return 0;
}

void add_flags(CLI::App& app, Flags& f) {
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("--out", f.out, "the picture to write (PNG)")->capture_default_str();
  add_whole(app, "--size", f.size, {8, 2048}, "pixels of an image");
  add_whole(app, "--per-class", f.per_class, {1, 1000}, "images in a row");
  app.add_option("--classes", f.classes, "the first N, or names; default: all");
  add_seed(app, f.seed, "of the scenes");
  app.add_option("--dump", f.dump,
                 "instead write PREFIX.train.images and PREFIX.train.labels (bytes), and the same "
                 "for val")
      ->type_name("PREFIX");
  add_whole(app, "--train", f.train, {1, 1'000'000}, "with --dump: training images a class");
  add_whole(app, "--val", f.validation, {1, 1'000'000}, "with --dump: validation images a class");
  add_whole(app, "--workers", f.workers, {1, 1024}, "with --dump: threads that draw");
}

// PREFIX.train.images, PREFIX.train.labels, and the same for val: bytes (N, size, size, 3) and (N).
int dump(const Flags& f) {
  DataOptions options;
  options.image_size = options.load_size = f.size;
  options.workers = f.workers;
  options.seed = f.seed;
  options.tiny_train = f.train;
  options.tiny_validation = f.validation;
  options.classes = f.classes;
  options.keep = Keep::in_memory;
  options.cancelled = interrupted;
  DataSplits data = open_dataset("tiny", options);
  for (auto& [name, split] :
       {std::pair{"train", &data.train}, std::pair{"val", &data.validation}}) {
    std::ofstream images(f.dump + "." + name + ".images", std::ios::binary);
    std::ofstream labels(f.dump + "." + name + ".labels", std::ios::binary);
    for (int64_t i = 0; i < split->size(); ++i) {
      if (interrupted()) return 130;
      Image image = split->image(i);
      images.write(reinterpret_cast<const char*>(image.pixels.data()), long(image.pixels.size()));
      labels.put(char(split->label(i)));
    }
    if (!images.flush() || !labels.flush())
      throw Error(printable(f.dump) + ": cannot be written: " + std::strerror(errno));
    say("wrote %s.%s.{images,labels}: %ld images of %dx%d\n", printable(f.dump).c_str(), name,
        long(split->size()), f.size, f.size);
  }
  return 0;
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App app("Draws a contact sheet of TinyPlaces, the built-in data set: a row for each class.",
               "tiny_places_sheet");
  auto f = std::make_shared<Flags>();
  add_flags(app, *f);
  parse(app, argc, argv);
  const bool dumps = !f->dump.empty();
  for (const char* flag : {"--train", "--val", "--workers"})
    if (!dumps && app.count(flag)) throw Error(std::string(flag) + " belongs to --dump");
  for (const char* flag : {"--out", "--per-class"})
    if (dumps && app.count(flag)) throw Error(std::string(flag) + " does not go with --dump");
  choose(list_tiny_places(0, 1), {.classes = f->classes});  // says what is wrong with --classes
  if (dumps) {
    make_output_folder(folder_of(f->dump));
    return [f] { return dump(*f); };
  }
  if (int64_t(f->size + f->gap) * f->per_class > most_width)
    throw Error("--per-class " + std::to_string(f->per_class) + " images of " +
                std::to_string(f->size) + " pixels are wider than a sheet may be, " +
                std::to_string(most_width) + " pixels");
  check_output_file(f->out);
  return [f] { return write_contact_sheet(*f); };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("tiny_places_sheet", [&] { return prepare(argc, argv); });
}
