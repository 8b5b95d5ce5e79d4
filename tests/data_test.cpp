// Reading and resizing images, and the layouts of data sets; every file is made here.
#include <stb/stb_image_write.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "data/cifar10.h"
#include "data/dataset.h"
#include "data/workers.h"
#include "kernels/machine/error.h"
#include "tests/catch.h"
#include "tests/data_support.h"
#include "tests/temporary_folder.h"

using namespace tweed;
namespace fs = std::filesystem;

namespace {

bool same_pixel(const uint8_t* a, const uint8_t* b) {
  return a[0] == b[0] && a[1] == b[1] && a[2] == b[2];
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
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
  put_text(root + "/categories.txt", "/a/abbey 0\n/b/bakery/shop 1\n");
  std::string train, val;
  for (int i = 0; i < 12; ++i) {
    bool training = i < 8;
    std::string category = i % 2 ? "b/bakery/shop" : "a/abbey";
    std::string name = (training ? "train/" + category : "val") + "/" + std::to_string(i) + ".jpg";
    (training ? train : val) += name + " " + std::to_string(i % 2) + "\n";
    put_image(root + "/" + images + name, pattern(20, 24, i));
  }
  put_text(root + "/train.txt", train);
  put_text(root + "/val.txt", val);
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

bool says_on_the_fly(const DataSplits& data) {
  return std::any_of(data.notes.begin(), data.notes.end(), [](const std::string& note) {
    return note.find("decoded on the fly") != std::string::npos;
  });
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

  SECTION("grey becomes RGB, what is transparent is white") {
    uint8_t grey[] = {10, 200}, rgba[] = {1, 2, 3, 0, 4, 5, 6, 255};
    stbi_write_png(png.c_str(), 2, 1, 1, grey, 2);
    CHECK(decode_image(png).pixels == std::vector<uint8_t>{10, 10, 10, 200, 200, 200});
    stbi_write_png(png.c_str(), 2, 1, 4, rgba, 8);
    CHECK(decode_image(png).pixels == std::vector<uint8_t>{255, 255, 255, 4, 5, 6});
  }
  SECTION("what cannot be read is a FormatError with file and reason") {
    auto error = [&](const std::string& path) {
      CHECK_THROWS_AS(decode_image(path), FormatError);
      std::string text = message_of([&] { decode_image(path); });
      CHECK_THAT(text, Contains(path));
      return text;
    };
    CHECK_THAT(error(folder.path() + "/none.jpg"), Contains("No such file"));
    put_text(jpg, "This is a text, whatever its name says.\n");
    CHECK_THAT(error(jpg), Contains("neither a JPEG nor a PNG"));
    put_text(jpg, "");
    CHECK_THAT(error(jpg), Contains("empty"));
    put_image(jpg, pattern(40, 40));
    std::string whole = bytes_of(jpg);
    for (double share : {0.02, 0.3, 0.7, 0.99}) {
      put_text(jpg, whole.substr(0, std::size_t(double(whole.size()) * share)));
      CHECK_THAT(error(jpg), Contains("end marker"));
    }
    put_text(jpg, whole + "what some cameras append");
    CHECK_NOTHROW(decode_image(jpg));
    put_image(png, pattern(40, 40));
    put_text(png, bytes_of(png).substr(0, 200));
    CHECK_THAT(error(png), Contains("damaged"));
  }
  SECTION("what cannot be written is an Error") {
    CHECK_THROWS_AS(write_png(folder.path() + "/none/a.png", image), Error);
    if (fs::is_character_file("/dev/full")) {
      CHECK_THROWS_AS(write_png("/dev/full", image), Error);
      CHECK(fs::is_character_file("/dev/full"));
    }
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
    CHECK(!says_on_the_fly(data));
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

  put_text(root + "/train.txt", "\n\n");
  CHECK_THAT(error(), Contains("train.txt: has no lines"));
  put_text(root + "/train.txt", train + "train/a/abbey/0.jpg 2\n");
  CHECK_THAT(error(), Contains("train.txt: line 9: label 2 is out of range"));
  put_text(root + "/train.txt", train + "train/a/abbey/99.jpg 1\n");
  CHECK_THAT(error(), Contains("line 9") && Contains("99.jpg is not there"));
  for (const char* line : {"train/a/abbey/0.jpg", "x -1", "x 1y", " 7", "x 99999999999"}) {
    put_text(root + "/train.txt", train + line);
    CHECK_THAT(error(), Contains("line 9") && Contains("not a name and a label"));
  }
  CHECK_NOTHROW(open_dataset(root, small(), Splits::validation));
  put_text(root + "/train.txt", train);
  put_text(root + "/categories.txt", "/a/abbey 0\n/b/bakery/shop 2\n");
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
    put_text(folder.path() + "/train/cat/readme.txt", "no image");
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
  put_text(cut, bytes_of(cut).substr(0, 300));
  put_text(text, "hello");
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
    CHECK(says_on_the_fly(data) == (keep != Keep::in_memory));
  }
  put_text(folder.path() + "/cat/251.jpg", "hello");
  CHECK_THAT(message_of([&] { open_dataset(folder.path(), small()); }),
             Contains("3 of 200 images are damaged, more than 1 %") && Contains(cut));
}

// Records of CIFAR-10: number i has label (first + i) % 10, and its red, green and blue planes
// begin with i, i + 1, i + 2.
std::string records(int first, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) {
    bytes += char((first + i) % 10);
    for (int c = 0; c < 3; ++c)
      for (int p = 0; p < 1024; ++p) bytes += char(p == 0 ? i + c : c * 50 + p % 7);
  }
  return bytes;
}

TEST_CASE("CIFAR-10 in its binary form", "[data]") {
  TemporaryFolder folder;
  const std::string root = folder.path();
  put_text(root + "/data_batch_1.bin", records(0, 20));
  put_text(root + "/data_batch_2.bin", records(5, 10));
  CHECK(is_cifar10(root));
  CHECK_FALSE(is_cifar10(root + "/none.bin"));

  SECTION("batches are for training, the test batch for validation") {
    put_text(root + "/test_batch.bin", records(3, 10));
    DataSplits data = open_dataset(root);
    CHECK(data.image_size == 32);
    CHECK(data.train.size() == 30);
    CHECK(data.train.classes()[3] == "cat");
    CHECK(data.train.label(21) == 6);
    CHECK(data.validation.label(0) == 3);
    const Image image = data.train.image(21);
    CHECK(image.height == 32);
    CHECK(image.pixels[0] == 1);
    CHECK(image.pixels[1] == 2);
    CHECK(image.pixels[2] == 3);
    CHECK(image.pixels[3] == 1);
    CHECK(image.pixels[4] == 51);
    CHECK(image.pixels[5] == 101);
    CHECK(open_dataset(root + "/data_batch_2.bin").validation.size() == 10);
    CHECK(open_dataset(root, {}, Splits::validation).train.size() == 0);
  }
  SECTION("without a test batch every tenth record is for validation") {
    put_text(root + "/data_batch_1.bin", records(0, 200));
    DataSplits data = open_dataset(root + "/data_batch_1.bin", {.classes = "cat,airplane"});
    CHECK(data.train.size() == 36);
    CHECK(data.validation.size() == 4);
    CHECK(data.train.classes()[0] == "cat");
    data = open_dataset(root + "/data_batch_1.bin", {.limit = 1});
    CHECK(data.train.size() == 10);
    CHECK(data.validation.size() == 20);
  }
  SECTION("class names of its own, another size") {
    std::string names;
    for (char c = 'a'; c < 'k'; ++c) names.append({c, '\n'});
    put_text(root + "/batches.meta.txt", names + "\n");
    put_text(root + "/test_batch.bin", records(0, 1));
    DataSplits data = open_dataset(root, {.image_size = 16});
    CHECK(data.train.classes()[9] == "j");
    CHECK(data.train.image_side() == 16);
  }
  SECTION("damage is named") {
    auto message = [&] {
      try {
        open_dataset(root);
      } catch (const FormatError& e) {
        return std::string(e.what());
      }
      return std::string();
    };
    put_text(root + "/data_batch_2.bin", records(0, 2).substr(0, 4000));
    CHECK_THAT(message(), Contains("data_batch_2.bin: is damaged: 4000 bytes"));
    std::string wrong = records(0, 3);
    wrong[3073] = 17;
    put_text(root + "/data_batch_2.bin", wrong);
    CHECK_THAT(message(), Contains("byte 3073: label 17 is out of range"));
    put_text(root + "/data_batch_2.bin", "");
    CHECK_THAT(message(), Contains("0 bytes"));
  }
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
