// Reading, resizing, augmenting and loading images; every file is made here.
#include <stb/stb_image_write.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "data/loader.h"
#include "data/tiny_places.h"
#include "data/workers.h"
#include "kernels/machine/error.h"
#include "tests/temporary_folder.h"

using namespace tweed;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

Image pattern(int height, int width, int key = 0) {
  Image image{height, width, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        image.pixels.push_back(uint8_t(37 * y + 91 * x * x + 53 * c + 11 * y * x + 29 * key));
  return image;
}

bool same_pixel(const uint8_t* a, const uint8_t* b) {
  return a[0] == b[0] && a[1] == b[1] && a[2] == b[2];
}

std::string text_of(const Image& image) { return {image.pixels.begin(), image.pixels.end()}; }

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}
void put_image(const std::string& path, const Image& image) {
  fs::create_directories(fs::path(path).parent_path());
  if (path.ends_with(".png"))
    write_png(path, image);
  else
    REQUIRE(stbi_write_jpg(path.c_str(), image.width, image.height, 3, image.pixels.data(), 95));
}

// Two classes, one of them nested, four training and two validation images each.
void make_miniplaces(const std::string& root, const std::string& images) {
  write(root + "/categories.txt", "/a/abbey 0\n/b/bakery/shop 1\n");
  std::string train, val;
  for (int i = 0; i < 12; ++i) {
    bool training = i < 8;
    std::string category = i % 2 ? "b/bakery/shop" : "a/abbey";
    std::string name = (training ? "train/" + category : "val") + "/" + std::to_string(i) + ".jpg";
    (training ? train : val) += name + " " + std::to_string(i % 2) + "\n";
    put_image(root + "/" + images + name, pattern(20, 24, i));
  }
  write(root + "/train.txt", train);
  write(root + "/val.txt", val);
}

DataOptions small() {
  DataOptions options;
  options.image_size = 16;  // stored at 18
  return options;
}
DataOptions with_classes(const std::string& classes, int64_t limit = 0) {
  DataOptions options = small();
  options.classes = classes;
  options.limit = limit;
  return options;
}

std::vector<int> labels_of(const Dataset& data) {
  std::vector<int> labels;
  for (int64_t i = 0; i < data.size(); ++i) labels.push_back(data.label(i));
  return labels;
}
template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("images are written and read", "[data]") {
  TemporaryFolder folder;
  std::string png = folder.path() + "/a.png", jpg = folder.path() + "/a.jpg";
  Image image = pattern(11, 7);
  put_image(png, image);
  CHECK(decode_image(png) == image);

  Image flat{16, 24, std::vector<uint8_t>(16 * 24 * 3, 100)};
  put_image(jpg, flat);
  Image decoded = decode_image(jpg);
  CHECK(decoded.height == 16);
  CHECK(decoded.width == 24);
  for (uint8_t v : decoded.pixels) CHECK(std::abs(v - 100) <= 2);

  SECTION("grey becomes RGB, alpha is dropped") {
    uint8_t grey[] = {10, 200}, rgba[] = {1, 2, 3, 0, 4, 5, 6, 255};
    stbi_write_png(png.c_str(), 2, 1, 1, grey, 2);
    CHECK(decode_image(png).pixels == std::vector<uint8_t>{10, 10, 10, 200, 200, 200});
    stbi_write_png(png.c_str(), 2, 1, 4, rgba, 8);
    CHECK(decode_image(png).pixels == std::vector<uint8_t>{1, 2, 3, 4, 5, 6});
  }
  SECTION("what cannot be read is a FormatError with file and reason") {
    auto error = [&](const std::string& path) {
      CHECK_THROWS_AS(decode_image(path), FormatError);
      std::string text = message_of([&] { decode_image(path); });
      CHECK_THAT(text, Contains(path));
      return text;
    };
    CHECK_THAT(error(folder.path() + "/none.jpg"), Contains("No such file"));
    write(jpg, "This is a text, whatever its name says.\n");
    CHECK_THAT(error(jpg), Contains("neither a JPEG nor a PNG"));
    write(jpg, "");
    CHECK_THAT(error(jpg), Contains("empty"));
    put_image(jpg, pattern(40, 40));
    std::string whole = bytes_of(jpg);
    for (double share : {0.02, 0.3, 0.7, 0.99}) {
      write(jpg, whole.substr(0, std::size_t(double(whole.size()) * share)));
      CHECK_THAT(error(jpg), Contains("end marker"));
    }
    write(jpg, whole + "what some cameras append");
    CHECK_NOTHROW(decode_image(jpg));
    put_image(png, pattern(40, 40));
    write(png, bytes_of(png).substr(0, 200));
    CHECK_THAT(error(png), Contains("damaged"));
  }
  SECTION("what cannot be written is an Error") {
    CHECK_THROWS_AS(write_png(folder.path() + "/none/a.png", image), Error);
    if (fs::exists("/dev/full")) CHECK_THROWS_AS(write_png("/dev/full", image), Error);
  }
}

TEST_CASE("resize gives Pillow's bits", "[data]") {
  // numpy: ((37 * y + 91 * x * x + 53 * c + 11 * y * x) % 256) of 9 x 12, by Pillow 13.0:
  // Image.fromarray(a).resize((w, h), Image.BILINEAR)
  const std::vector<uint8_t> smaller{119, 144, 141, 114, 132, 106, 136, 118, 111, 116, 129, 118,
                                     121, 128, 153, 131, 124, 120, 121, 140, 107, 150, 111, 128,
                                     118, 107, 116, 119, 115, 114, 120, 137, 119, 134, 131, 152};
  // Rows 0, 6 and 12 of 13 x 7.
  const std::vector<uint8_t> taller{42,  95,  148, 90,  143, 196, 145, 154, 76,  204, 40,  74,  151,
                                    160, 132, 187, 103, 91,  67,  113, 166, 94,  147, 200, 72,  125,
                                    178, 163, 85,  138, 102, 135, 188, 101, 154, 126, 217, 79,  67,
                                    166, 102, 155, 118, 61,  114, 108, 107, 160, 93,  146, 156, 108,
                                    141, 86,  183, 104, 76,  56,  109, 97,  148, 62,  115};
  Image image = pattern(9, 12);
  CHECK(resize(image, 3, 4).pixels == smaller);
  Image tall = resize(image, 13, 7);
  std::vector<uint8_t> rows;
  for (int y : {0, 6, 12}) rows.insert(rows.end(), tall.at(y, 0), tall.at(y, 0) + 21);
  CHECK(rows == taller);
  CHECK(resize(image, 9, 12) == image);
  CHECK_THROWS_AS(resize(image, 0, 5), ShapeError);
  CHECK_THROWS_AS(resize({}, 5, 5), ShapeError);
}

TEST_CASE("resize_short_side, crops and mirror", "[data]") {
  Image image = pattern(9, 12);
  CHECK(resize_short_side(image, 5).height == 5);
  CHECK(resize_short_side(image, 5).width == 6);  // 6.67, rounded down as torchvision does
  CHECK(resize_short_side(pattern(12, 9), 5).height == 6);
  Image part = crop(image, 2, 3, 4, 5);
  CHECK(part.height == 4);
  CHECK(part.width == 5);
  CHECK(same_pixel(part.at(1, 1), image.at(3, 4)));
  CHECK(center_crop(image, 4) == crop(image, 2, 4, 4, 4));  // (9 - 4) / 2 rounds to even
  CHECK_THROWS_AS(crop(image, 6, 0, 4, 4), ShapeError);
  CHECK_THROWS_AS(center_crop(image, 10), ShapeError);
  Image turned = mirror(image);
  CHECK(same_pixel(turned.at(2, 0), image.at(2, 11)));
  CHECK(mirror(mirror(image)) == image);
}

TEST_CASE("MiniPlaces in its official layout", "[data]") {
  TemporaryFolder folder;
  std::string root = folder.path() + "/m";
  for (std::string images : {"images/", ""}) {
    make_miniplaces(root, images);
    DataSplits data = open_dataset(root, small());
    CHECK(data.train.classes() == std::vector<std::string>{"abbey", "bakery/shop"});
    CHECK(labels_of(data.train) == std::vector<int>{0, 1, 0, 1, 0, 1, 0, 1});
    CHECK(labels_of(data.validation) == std::vector<int>{0, 1, 0, 1});
    CHECK(data.train.in_memory());
    CHECK(data.note.empty());
    CHECK(data.train.image_side() == 18);
    CHECK(data.train.image(3) ==
          center_crop(resize_short_side(decode_image(data.train.path(3)), 18), 18));
    fs::remove_all(root);
  }
}

TEST_CASE("classes and limit", "[data]") {
  TemporaryFolder folder;
  make_miniplaces(folder.path(), "images/");
  auto first = open_dataset(folder.path(), with_classes("1"));
  CHECK(first.train.classes() == std::vector<std::string>{"abbey"});
  CHECK(labels_of(first.train) == std::vector<int>(4, 0));
  auto turned = open_dataset(folder.path(), with_classes("bakery/shop, abbey", 1));
  CHECK(turned.train.classes() == std::vector<std::string>{"bakery/shop", "abbey"});
  CHECK(labels_of(turned.train) == std::vector<int>{1, 0});
  CHECK(labels_of(turned.validation) == std::vector<int>{1, 0, 1, 0});
  auto error = [&](const std::string& classes) {
    return message_of([&] { open_dataset(folder.path(), with_classes(classes)); });
  };
  CHECK_THAT(error("3"), Contains("cannot take 3 classes of 2"));
  CHECK_THAT(error("0"), Contains("cannot take 0"));
  CHECK_THAT(error("abbey,palace"), Contains("no class 'palace'") && Contains("bakery/shop"));
  CHECK_THAT(error("abbey,abbey"), Contains("twice"));
  CHECK_THAT(error("abbey,"), Contains("empty"));
}

TEST_CASE("errors name what is missing", "[data]") {
  TemporaryFolder folder;
  std::string root = folder.path() + "/m";
  auto error = [&](Splits splits = Splits::both) {
    CHECK_THROWS_AS(open_dataset(root, small(), splits), FormatError);
    return message_of([&] { open_dataset(root, small(), splits); });
  };
  CHECK_THAT(error(), Contains("is not there"));
  fs::create_directories(root);
  CHECK_THAT(error(), Contains("holds neither"));
  make_miniplaces(root, "images/");
  std::string train = bytes_of(root + "/train.txt");

  write(root + "/train.txt", "\n\n");
  CHECK_THAT(error(), Contains("train.txt: has no lines"));
  write(root + "/train.txt", train + "train/a/abbey/0.jpg 2\n");
  CHECK_THAT(error(), Contains("train.txt: line 9: label 2 is out of range"));
  write(root + "/train.txt", train + "train/a/abbey/99.jpg 1\n");
  CHECK_THAT(error(), Contains("line 9") && Contains("99.jpg is not there"));
  for (const char* line : {"train/a/abbey/0.jpg", "x -1", "x 1y", " 7", "x 99999999999"}) {
    write(root + "/train.txt", train + line);
    CHECK_THAT(error(), Contains("line 9") && Contains("not a name and a label"));
  }
  CHECK_NOTHROW(open_dataset(root, small(), Splits::validation));
  write(root + "/train.txt", train);
  write(root + "/categories.txt", "/a/abbey 0\n/b/bakery/shop 2\n");
  CHECK_THAT(error(), Contains("categories.txt: line 2"));
  fs::remove(root + "/categories.txt");
  CHECK_THAT(error(), Contains("categories.txt: is missing"));
}

TEST_CASE("folders of images", "[data]") {
  TemporaryFolder folder;
  auto put = [&](const std::string& name, int key) {
    put_image(folder.path() + "/" + name, pattern(20, 20, key));
  };
  SECTION("train and val") {
    for (int i = 0; i < 3; ++i) {
      put("train/cat/" + std::to_string(i) + ".jpg", i);
      put("train/big/dog/" + std::to_string(i) + ".PNG.png", i);
    }
    put("val/cat/7.jpeg", 1);
    write(folder.path() + "/train/cat/readme.txt", "no image");
    DataSplits data = open_dataset(folder.path(), small());
    CHECK(data.train.classes() == std::vector<std::string>{"big/dog", "cat"});
    CHECK(labels_of(data.train) == std::vector<int>{0, 0, 0, 1, 1, 1});
    CHECK(labels_of(data.validation) == std::vector<int>{1});
    put("val/cow/1.jpg", 1);
    CHECK_THAT(message_of([&] { open_dataset(folder.path(), small()); }), Contains("cow"));
  }
  SECTION("classes alone: every tenth image is for validation") {
    for (int i = 10; i < 35; ++i) put("cat/" + std::to_string(i) + ".png", i);
    DataSplits data = open_dataset(folder.path(), small());
    CHECK(data.train.size() == 23);
    REQUIRE(data.validation.size() == 2);
    CHECK_THAT(data.validation.path(0), Contains("cat/19.png"));
    CHECK_THAT(data.validation.path(1), Contains("cat/29.png"));
  }
  SECTION("too few for a validation set") {
    put("cat/1.png", 1);
    CHECK_THAT(message_of([&] { open_dataset(folder.path(), small()); }),
               Contains("no validation images"));
    CHECK_NOTHROW(open_dataset(folder.path(), small(), Splits::train));
  }
}

TEST_CASE("damaged images are left out, counted, and too many stop", "[data]") {
  TemporaryFolder folder;
  for (int i = 100; i < 300; ++i)
    put_image(folder.path() + "/cat/" + std::to_string(i) + ".jpg", pattern(18, 18, i));
  std::string cut = folder.path() + "/cat/105.jpg", text = folder.path() + "/cat/250.jpg";
  write(cut, bytes_of(cut).substr(0, 300));
  write(text, "hello");
  for (Keep keep : {Keep::in_memory, Keep::on_the_fly}) {
    DataOptions options = small();
    options.keep = keep;
    int64_t done = 0, total = 0;
    options.progress = [&](int64_t d, int64_t t) {
      CHECK(d >= done);
      done = d;
      total = t;
    };
    DataSplits data = open_dataset(folder.path(), options);
    CHECK(done == 200);
    CHECK(total == 200);
    REQUIRE(data.damaged.size() == 2);
    CHECK(data.damaged[0].file == cut);
    CHECK_THAT(data.damaged[0].reason, Contains("end marker"));
    CHECK(data.damaged[1].file == text);
    CHECK(data.train.size() == 178);
    // 106 follows 104, and has its own pixels.
    CHECK_THAT(data.train.path(5), Contains("106.jpg"));
    CHECK(data.train.image(5) == decode_image(data.train.path(5)));
    CHECK(data.train.in_memory() == (keep == Keep::in_memory));
    CHECK(data.note.empty() == (keep == Keep::in_memory));
  }
  write(folder.path() + "/cat/251.jpg", "hello");
  CHECK_THAT(message_of([&] { open_dataset(folder.path(), small()); }),
             Contains("3 of 200 images are damaged, more than 1 %") && Contains(cut));
}

TEST_CASE("reading can be cancelled", "[data]") {
  DataOptions options = small();
  options.cancelled = [] { return true; };
  CHECK_THROWS_WITH(open_dataset("tiny", options), Contains("stopped"));
}

TEST_CASE("share_out calls each once and passes exceptions on", "[data]") {
  std::vector<std::atomic<int>> calls(1000);
  share_out(1000, 3, [&](int64_t i) { ++calls[std::size_t(i)]; }, {});
  for (auto& c : calls) CHECK(c == 1);
  CHECK_THROWS_WITH(share_out(1000, 3,
                              [](int64_t i) {
                                if (i == 500) throw Error("at 500");
                              },
                              {}),
                    "at 500");
  share_out(0, 2, [](int64_t) {}, {});
}

// ---- augmentation and loading -------------------------------------------------------------------

namespace {

Dataset numbered(int64_t count, int side = 18) {
  std::vector<Sample> samples;
  for (int64_t i = 0; i < count; ++i) samples.push_back({std::to_string(i), int(i % 7)});
  return Dataset(std::vector<std::string>(7, "c"), samples, side,
                 [side](const Sample& s) { return pattern(side, side, std::stoi(s.path)); });
}

std::vector<Batch> all_batches(const Dataset& data, const LoaderOptions& options) {
  std::vector<Batch> batches;
  Loader loader(data, options);
  for (Batch batch; loader.next(batch);) batches.push_back(batch);
  return batches;
}
bool equal(const std::vector<Batch>& a, const std::vector<Batch>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Batch& x, const Batch& y) {
    return x.count == y.count && x.images == y.images && x.labels == y.labels &&
           x.indexes == y.indexes;
  });
}
LoaderOptions loading(int64_t epoch = 0, int workers = 0) {
  LoaderOptions options;
  options.batch_size = 8;
  options.image_size = 16;
  options.workers = workers;
  options.seed = 5;
  options.epoch = epoch;
  return options;
}

}  // namespace

TEST_CASE("a training crop is one of the crops, mirrored or not", "[data]") {
  Image image = pattern(10, 10);
  std::set<std::string> possible, seen;
  for (int top = 0; top < 3; ++top)
    for (int left = 0; left < 3; ++left) {
      possible.insert(text_of(crop(image, top, left, 8, 8)));
      possible.insert(text_of(mirror(crop(image, top, left, 8, 8))));
    }
  REQUIRE(possible.size() == 18);
  for (int64_t i = 0; i < 400; ++i)
    seen.insert(text_of(training_crop(image, 8, augmentation_random(1, 2, i))));
  CHECK(seen == possible);
  CHECK(training_crop(image, 8, augmentation_random(1, 2, 3)) ==
        training_crop(image, 8, augmentation_random(1, 2, 3)));
  CHECK_THROWS_AS(training_crop(image, 11, augmentation_random(1, 2, 3)), ShapeError);
  CHECK(validation_crop(image, 8) == crop(image, 1, 1, 8, 8));
}

TEST_CASE("normalisation", "[data]") {
  Image image{1, 2, {0, 128, 255, 10, 20, 30}};
  float values[6];
  normalize(image, {{0.5f, 0.25f, 0}, {0.5f, 2, 1}}, values);
  CHECK(values[0] == -1);
  CHECK(values[1] == Approx((128 / 255. - 0.25) / 2));
  CHECK(values[2] == 1);
  CHECK(values[5] == Approx(30 / 255.));
}

TEST_CASE("the order of an epoch is a permutation of (seed, epoch)", "[data]") {
  auto order = shuffled_order(100, 1, 2);
  CHECK(order == shuffled_order(100, 1, 2));
  CHECK(order != shuffled_order(100, 1, 3));
  CHECK(order != shuffled_order(100, 2, 2));
  std::sort(order.begin(), order.end());
  for (int64_t i = 0; i < 100; ++i) CHECK(order[std::size_t(i)] == i);
}

TEST_CASE("batches depend on seed and epoch, not on workers or position", "[data]") {
  Dataset data = numbered(45);
  auto batches = all_batches(data, loading(3));
  REQUIRE(batches.size() == 5);  // the last five images are dropped
  for (int workers : {1, 2, 5}) CHECK(equal(all_batches(data, loading(3, workers)), batches));
  CHECK_FALSE(equal(all_batches(data, loading(4)), batches));

  // Each sample is as its own transform makes it.
  const Batch& b = batches[2];
  int64_t index = b.indexes[3];
  CHECK(b.labels[3] == data.label(index));
  std::vector<float> values(16 * 16 * 3);
  normalize(training_crop(data.image(index), 16, augmentation_random(5, 3, index)), {},
            values.data());
  CHECK(std::equal(values.begin(), values.end(), b.images.begin() + 3 * 16 * 16 * 3));

  for (int workers : {0, 2}) {
    LoaderOptions later = loading(3, workers);
    later.first_batch = 2;
    CHECK(equal(all_batches(data, later), {batches.begin() + 2, batches.end()}));
    later.first_batch = 9;
    CHECK(all_batches(data, later).empty());
  }
}

TEST_CASE("validation batches are in order, with the last partial one", "[data]") {
  Dataset data = numbered(21);
  for (int workers : {0, 3}) {
    LoaderOptions options = loading(0, workers);
    options.training = false;
    auto batches = all_batches(data, options);
    REQUIRE(batches.size() == 3);
    CHECK(batches[2].count == 5);
    CHECK(batches[2].images.size() == 5 * 16 * 16 * 3);
    CHECK(batches[1].indexes == std::vector<int64_t>{8, 9, 10, 11, 12, 13, 14, 15});
  }
  LoaderOptions wrong = loading();
  wrong.image_size = 19;
  CHECK_THROWS_AS(Loader(data, wrong), ShapeError);
}

TEST_CASE("a worker's exception reaches the caller, with its batch", "[data]") {
  std::vector<Sample> samples(64);
  for (int i = 0; i < 64; ++i) samples[std::size_t(i)].path = std::to_string(i);
  Dataset data({"c"}, samples, 16, [](const Sample& s) {
    if (s.path == "20") throw FormatError(s.path, "is gone");
    return pattern(16, 16);
  });
  for (int workers : {0, 1, 3}) {
    LoaderOptions options = loading(0, workers);
    options.training = false;
    Loader loader(data, options);
    Batch batch;
    CHECK(loader.next(batch));
    CHECK(loader.next(batch));
    CHECK_THROWS_AS(loader.next(batch), FormatError);
  }
}

TEST_CASE("a loader can be dropped at any time", "[data]") {
  Dataset data = numbered(200);
  for (int taken = 0; taken < 6; ++taken) {
    Loader loader(data, loading(0, 3));
    Batch batch;
    for (int i = 0; i < taken; ++i) CHECK(loader.next(batch));
  }
}

TEST_CASE("in memory and on the fly give the same batches", "[data]") {
  DataOptions options = small();
  options.tiny_train = 3;
  options.tiny_validation = 1;
  options.keep = Keep::in_memory;
  DataSplits memory = open_dataset("tiny", options);
  options.keep = Keep::on_the_fly;
  DataSplits fly = open_dataset("tiny", options);
  CHECK(memory.train.in_memory());
  CHECK_FALSE(fly.train.in_memory());
  CHECK(equal(all_batches(memory.train, loading(1)), all_batches(fly.train, loading(1, 2))));
}

// ---- TinyPlaces
// -----------------------------------------------------------------------------------

TEST_CASE("TinyPlaces: ten balanced classes of different images", "[data]") {
  DataOptions options = small();
  options.tiny_train = 12;
  options.tiny_validation = 4;
  DataSplits data = open_dataset("tiny", options);
  CHECK(data.train.classes().size() == 10);
  std::vector<int> counts(10);
  std::set<std::string> different;
  for (auto* split : {&data.train, &data.validation})
    for (int64_t i = 0; i < split->size(); ++i) {
      ++counts[std::size_t(split->label(i))];
      different.insert(text_of(split->image(i)));
    }
  CHECK(counts == std::vector<int>(10, 16));
  CHECK(different.size() == 160);
}

TEST_CASE("a TinyPlaces image depends on its name and the seed alone", "[data]") {
  for (int label = 0; label < 10; ++label) {
    Image image = draw_tiny_place(label, 5, false, 1, 24);
    CHECK(image.height == 24);
    CHECK(image == draw_tiny_place(label, 5, false, 1, 24));
    CHECK(image != draw_tiny_place(label, 6, false, 1, 24));
    CHECK(image != draw_tiny_place(label, 5, true, 1, 24));
    CHECK(image != draw_tiny_place(label, 5, false, 2, 24));
    CHECK(draw_tiny_place(label, 5, false, 1, 61).width == 61);
  }
  CHECK_THROWS_AS(draw_tiny_place(10, 0, false, 1, 24), ShapeError);
  CHECK_THROWS_AS(draw_tiny_place(0, 0, false, 1, 7), ShapeError);
  // Other classes chosen, other workers: the same images.
  DataOptions options = small();
  options.tiny_train = 2;
  options.tiny_validation = 1;
  DataSplits all = open_dataset("tiny", options);
  options.classes = "skyscraper,desert/sand";
  options.workers = 1;
  DataSplits two = open_dataset("tiny", options);
  REQUIRE(two.train.size() == 4);
  CHECK(two.train.image(0) == all.train.image(8));  // desert/sand is class 4
  CHECK(two.train.label(0) == 1);
  CHECK(two.train.image(3) == all.train.image(19));
}

TEST_CASE("a scene has the same layout at every size", "[data]") {
  for (int label = 0; label < 10; ++label)
    for (int64_t index = 0; index < 6; ++index) {
      Image small = draw_tiny_place(label, index, false, 3, 64);
      Image large = resize(draw_tiny_place(label, index, false, 3, 128), 64, 64);
      double difference = 0;
      for (std::size_t i = 0; i < small.pixels.size(); ++i)
        difference += std::abs(int(small.pixels[i]) - int(large.pixels[i]));
      CHECK(difference / double(small.pixels.size()) < 16);
    }
}
