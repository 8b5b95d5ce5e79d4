// Readers of data sets in forms of their own: CIFAR-100, MNIST, Oxford Pets.
#include <filesystem>

#include "data/cifar10.h"
#include "data/gzip.h"
#include "data/layout.h"
#include "data/mnist.h"
#include "kernels/machine/error.h"
#include "tests/catch.h"
#include "tests/data_support.h"
#include "tests/temporary_folder.h"

using namespace tweed;
using namespace std::string_literals;

namespace {

std::string big_endian(uint32_t v) { return {char(v >> 24), char(v >> 16), char(v >> 8), char(v)}; }
std::string little_endian(uint32_t v, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += char(v >> 8 * i);
  return text;
}

uint32_t crc32(const std::string& bytes) {
  uint32_t sum = ~0u;
  for (char byte : bytes) {
    sum ^= uint8_t(byte);
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (sum & 1 ? 0xEDB88320u : 0);
  }
  return ~sum;
}
// A gzip file in which nothing is packed.
std::string gzipped(const std::string& text) {
  REQUIRE(text.size() < 65536);
  const auto size = uint32_t(text.size());
  return "\x1f\x8b\x08\0\0\0\0\0\0\3\1"s + little_endian(size, 2) + little_endian(~size, 2) + text +
         little_endian(crc32(text), 4) + little_endian(size, 4);
}

// `count` images of 3 x 2, and labels 0, 1, ..., 9, 0, ...
std::string idx_images(int count) {
  std::string text = "\0\0\x08\3"s + big_endian(uint32_t(count)) + big_endian(3) + big_endian(2);
  for (int i = 0; i < 6 * count; ++i) text += char(i);
  return text;
}
std::string idx_labels(int count) {
  std::string text = "\0\0\x08\1"s + big_endian(uint32_t(count));
  for (int i = 0; i < count; ++i) text += char(i % 10);
  return text;
}

std::string record100(int coarse, int fine) {
  return {std::string{char(coarse), char(fine)} + std::string(3072, char(fine + 7))};
}

}  // namespace

TEST_CASE("CIFAR-100's records have a coarse label, which does not count, and a fine one") {
  const TemporaryFolder folder;
  std::string train, test;
  for (int i = 0; i < 200; ++i) train += record100(i % 20, i % 100);
  for (int i = 0; i < 7; ++i) test += record100(1, 99 - i);
  put_text(folder / "train.bin", train);
  CHECK(is_cifar100(folder.path()));
  Listing listing = read_cifar100(folder.path());
  CHECK(listing.train.size() == 200);  // two of each class: none is the tenth
  put_text(folder / "test.bin", test);
  listing = read_cifar100(folder.path());
  REQUIRE(listing.train.size() == 200);
  REQUIRE(listing.validation.size() == 7);
  CHECK(listing.classes.size() == 100);
  CHECK(listing.classes[71] == "sea");
  CHECK(listing.train[105].label == 5);
  CHECK(listing.validation[0].label == 99);
  CHECK(read_cifar100_image(listing.train[105]).at(31, 31)[2] == 12);
  const DataSplits data = open_dataset(folder.path());
  CHECK(data.image_size == 32);
  CHECK(data.train.image(105).at(0, 0)[0] == 12);

  std::string names;
  for (int i = 0; i < 100; ++i) names += "c" + std::to_string(i) + "\n";
  put_text(folder / "fine_label_names.txt", names);
  CHECK(read_cifar100(folder.path()).classes[42] == "c42");
  put_text(folder / "fine_label_names.txt", "one\ntwo\n");
  CHECK_THAT(read_cifar100(folder.path()).notes.at(0), Contains("2 names, not a hundred"));

  put_text(folder / "test.bin", record100(1, 100));
  CHECK_THROWS_WITH(read_cifar100(folder.path()), Contains("byte 1: label 100 is out of range"));
  put_text(folder / "test.bin", test + "x");
  CHECK_THROWS_WITH(read_cifar100(folder.path()), Contains("no whole 3074-byte records"));
  put_text(folder / "train.bin", "not images");
  CHECK_THROWS_WITH(open_dataset(folder.path()), Contains("no whole records of CIFAR-100"));
}

TEST_CASE("MNIST's files are read, gzipped or not, under their usual names") {
  for (const bool packed : {false, true})
    for (const char* dot : {"-", "."}) {
      const TemporaryFolder folder;
      auto put = [&](const std::string& name, const std::string& content) {
        put_text(
            folder / (name + dot + (name.find("images") != std::string::npos ? "idx3" : "idx1") +
                      "-ubyte" + (packed ? ".gz" : "")),
            packed ? gzipped(content) : content);
      };
      put("train-images", idx_images(100));
      put("train-labels", idx_labels(100));
      CHECK(is_mnist(folder.path()));
      CHECK(read_mnist(folder.path()).validation.size() == 10);
      put("t10k-images", idx_images(15));
      put("t10k-labels", idx_labels(15));
      DataOptions options;
      options.image_size = options.load_size = 28;
      const DataSplits data = open_dataset(folder.path(), options);
      CHECK(data.train.size() == 100);
      CHECK(data.validation.size() == 15);
      CHECK(data.train.classes() ==
            std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"});
      CHECK(data.validation.label(12) == 2);
      Image wanted{3, 2, {}};
      for (int v = 42; v < 48; ++v) wanted.pixels.insert(wanted.pixels.end(), 3, uint8_t(v));
      CHECK(data.train.image(7) == resize(wanted, 28, 28));
    }
}

TEST_CASE("MNIST's files that are not what they claim are refused by name") {
  const TemporaryFolder folder;
  const std::string images = folder / "train-images-idx3-ubyte",
                    labels = folder / "train-labels-idx1-ubyte";
  put_text(images, idx_images(20));
  CHECK_THROWS_WITH(read_mnist(folder.path()), Contains("train-labels-idx1-ubyte: is missing"));
  put_text(labels, idx_labels(19));
  CHECK_THROWS_WITH(read_mnist(folder.path()), Contains("has 19 labels for 20 images"));
  put_text(labels, idx_images(20));
  CHECK_THROWS_WITH(read_mnist(folder.path()), Contains("is no idx file of labels"));
  put_text(labels, idx_labels(20));
  CHECK(read_mnist(folder.path()).train.size() == 20);
  const std::string head = "\0\0\x08\3"s, most = big_endian(0xffffffff), none = big_endian(0);
  for (const std::string& wrong : {""s, head, idx_images(20) + "x", idx_images(20).substr(0, 100),
                                   head + most + most + most, head + none + none + none}) {
    put_text(images, wrong);
    CHECK_THROWS_AS(read_mnist(folder.path()), FormatError);
  }
  std::filesystem::create_directories(folder / "Fashion");
  put_text(folder / "Fashion/train-images-idx3-ubyte", idx_images(20));
  put_text(folder / "Fashion/train-labels-idx1-ubyte", idx_labels(20));
  CHECK(read_mnist(folder / "Fashion").classes[9] == "ankle boot");
}

TEST_CASE("a gzip file that is damaged, cut short or too much is refused") {
  const TemporaryFolder folder;
  const std::string path = folder / "file";
  const std::string whole = gzipped("some content");
  put_text(path, whole);
  CHECK(read_maybe_gzipped(path, 100) == "some content");
  CHECK_THROWS_WITH(read_maybe_gzipped(path, 11),
                    Contains("unpacks to more than 11 bytes") || Contains("more than 11"));
  put_text(path, whole.substr(0, whole.size() - 9));
  CHECK_THROWS_WITH(read_maybe_gzipped(path, 100), Contains("the gzip file ends here"));
  std::string wrong = whole;
  wrong[20] ^= 1;
  put_text(path, wrong);
  CHECK_THROWS_WITH(read_maybe_gzipped(path, 100), Contains("is a damaged gzip file"));
  put_text(path, "plain");
  CHECK(read_maybe_gzipped(path, 100) == "plain");
}

TEST_CASE("Oxford Pets' lists name photos, classes and splits") {
  const TemporaryFolder folder;
  const std::string lists = folder / "annotations/", root = folder.path();
  std::filesystem::create_directories(folder / "images");
  std::string train = "#Image CLASS-ID SPECIES BREED ID\n", test;
  for (int i = 1; i <= 12; ++i) {
    const std::string number = std::to_string(i);
    for (const char* name : {"Abyssinian_", "great_pyrenees_"})
      write_png(folder / ("images/" + std::string(name) + number + ".jpg"), pattern(20, 24, i));
    if (i == 1) continue;
    (i < 11 ? train : test) += "Abyssinian_" + number + " 1 1 1\n";
    (i < 11 ? train : test) += "great_pyrenees_" + number + " 7 2 3\n";
  }
  put_text(lists + "trainval.txt", train);
  put_text(lists + "test.txt", test);
  const Listing listing = read_oxford_pets(root);
  CHECK(listing.classes == std::vector<std::string>{"Abyssinian", "great_pyrenees"});
  CHECK(listing.train.size() == 18);
  CHECK(listing.validation.size() == 4);
  CHECK(listing.train[1].label == 1);
  CHECK_THAT(listing.train[1].path, Contains("great_pyrenees_2.jpg"));
  CHECK(open_dataset(root, small()).train.size() == 18);

  std::filesystem::remove(lists + "test.txt");
  CHECK(read_oxford_pets(root).validation.empty());  // nine of each class
  std::filesystem::rename(lists + "trainval.txt", lists + "list.txt");
  put_text(lists + "list.txt", train + test + "Abyssinian_1 1 1 1\n");
  CHECK(read_oxford_pets(root).validation.size() == 2);

  for (auto& [line, why] : {std::pair{"Abyssinian 1", "is no photo's name and class"},
                            {"Abyssinian_1", "is no photo's name and class"},
                            {"Abyssinian_1 0 1", "is no photo's name and class"},
                            {"Abyssinian_1 9999999999 1", "is no photo's name and class"},
                            {"../x_1 1 1 1", "is no photo's name and class"},
                            {"Abyssinian_99 1 1 1", "is not there"},
                            {"Abyssinian_1 7 1 1", "class 7 is 'great_pyrenees' above"}}) {
    put_text(lists + "list.txt", train + line);
    CHECK_THROWS_WITH(read_oxford_pets(root), Contains(why));
  }
}
