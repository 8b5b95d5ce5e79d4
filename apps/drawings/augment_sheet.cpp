// Draws what --augment makes of an image: a row for each transform. See --help.
#include <algorithm>
#include <sstream>

#include "apps/flags.h"
#include "apps/numbers.h"
#include "data/feed.h"
#include "kernels/machine/printable.h"
#include "record/draw/canvas.h"
#include "record/draw/figure.h"

using namespace tweed;
using namespace tweed::app;

namespace {

struct Flags {
  DataFlags data;
  DeviceFlags device;
  std::string out = "augmentations.png";
  std::vector<std::string> rows;
  int columns = 8, cell = 96;
  int64_t sample = 0;
};

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (auto& row : augmentation_rows())
    if (std::string(row.name) != "bicubic") names.push_back(row.name);
  return names;
}

// Normalised so that what is 0, outside or erased, is a middle grey.
const Normalization as_pixels{{0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}};

Image image_of(const float* values, int size) {
  Image image{size, size, {}};
  for (int i = 0; i < size * size * 3; ++i)
    image.pixels.push_back(uint8_t(std::clamp((values[i] + 1) * 127.5f, 0.f, 255.f) + 0.5f));
  return image;
}

// The names of a row, a line each, as large as they fit.
Image label_of(const std::string& names, int side) {
  std::vector<std::string> lines;
  std::istringstream words(names);
  for (std::string word; std::getline(words, word, ',');) lines.push_back(word);
  double height = 12;
  auto fits = [&] {
    return std::all_of(lines.begin(), lines.end(),
                       [&](auto& line) { return draw::text_width(line, height) <= side; });
  };
  while (height > 6 && !fits()) height -= 0.5;
  Image image = draw::blank_image(side, side);
  const int step = draw::text_height(height);
  double y = (side - step * double(lines.size())) / 2;
  for (auto& line : lines) {
    draw::draw_text(image, side, y, line, height, draw::colors::black, draw::Align::right);
    y += step;
  }
  return image;
}

// What a sample looks like in the first epochs: a Feed's batches, of that sample alone.
std::vector<Cell> cells_of(const Flags& f, const Dataset& data, const std::string& names,
                           Device device) {
  LoaderOptions options{.batch_size = data.size(),
                        .image_size = data.image_size(),
                        .workers = 0,
                        .seed = f.data.seed,
                        .normalization = as_pixels};
  options.augmentation = parse_augmentation(names, data.image_size());
  Feed feed(data, device, options, Residence::device);
  std::vector<Cell> cells{{label_of(names, f.cell), {}}};
  const int size = data.image_size();
  const std::size_t values = std::size_t(size) * std::size_t(size) * 3;
  for (int epoch = 0; epoch < f.columns; ++epoch) {
    feed.start_epoch(epoch);
    feed.next();
    feed.load();
    const auto order = shuffled_order(data.size(), f.data.seed, epoch);
    const auto place = std::size_t(std::find(order.begin(), order.end(), f.sample) - order.begin());
    const auto images = feed.images().to_vector<float>();
    cells.push_back({image_of(images.data() + place * values, size), {}});
  }
  return cells;
}

int write_sheet_of(const Flags& f, const Dataset& data, Device device) {
  Sheet sheet;
  sheet.title = "--augment";
  sheet.notes = {
      "Each row: one image in the first epochs of a training run. Grey is what becomes 0."};
  sheet.cell_size = f.cell;
  for (auto& names : f.rows) {
    if (interrupted()) return 130;
    sheet.rows.push_back(cells_of(f, data, names, device));
  }
  write_sheet(f.out, sheet);
  say("wrote %s: %s of sample %ld (%s), made on %s\n", printable(f.out).c_str(),
      counted(int64_t(f.rows.size()), "row").c_str(), long(f.sample),
      printable(data.path(f.sample)).c_str(), device.name().c_str());
  return 0;
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App app("Draws what train_miniplaces --augment makes of a training image.", "augment_sheet");
  auto f = std::make_shared<Flags>();
  f->rows = all_names();
  f->data.add_to(app, "of the transforms");
  f->device.add_to(app);
  app.add_option("--out", f->out, "the picture to write (PNG)")->capture_default_str();
  app.add_option("--augment", f->rows,
                 "of a row, as for train_miniplaces; may be given again for "
                 "further rows; default: each name alone")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->expected(1)
      ->default_str("");
  add_whole(app, "--columns", f->columns, {1, 100}, "epochs to show");
  add_whole(app, "--cell", f->cell, {16, 1024}, "pixels of an image on the sheet");
  add_whole(app, "--sample", f->sample, {0, 1'000'000}, "which training image");
  parse(app, argc, argv);
  for (auto& names : f->rows) parse_augmentation(names, 32);
  check_output_file(f->out);
  const Device device = f->device.open();
  f->data.limit = f->data.limit ? f->data.limit : 2;  // of each class: enough partners
  DataSplits data = f->data.open(Splits::train);
  if (!data.train.in_memory()) data.train.decode(f->data.workers, true);
  if (f->sample >= data.train.size())
    throw Error("--sample " + std::to_string(f->sample) + ": there are " +
                std::to_string(data.train.size()) + " (two of each class are read)");
  return [f, data, device] { return write_sheet_of(*f, data.train, device); };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("augment_sheet", [&] { return prepare(argc, argv); });
}
