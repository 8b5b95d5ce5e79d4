// Augmentation, the order of samples, batches, and TinyPlaces.
#include "data/loader.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "data/feed.h"
#include "data/tiny_places/tiny_places.h"
#include "kernels/machine/error.h"
#include "kernels/machine/trace_notes.h"
#include "tests/catch.h"
#include "tests/data_support.h"
#include "tests/support.h"

using namespace tweed;

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

// What training_view() gives, in pixels again.
Image view(const Image& image, int size, Random random, const Augmentation& augmentation = {}) {
  const Normalization pixels{{}, {1 / 255.f, 1 / 255.f, 1 / 255.f}};
  std::vector<float> values(std::size_t(size) * std::size_t(size) * 3);
  training_view(image, size, augmentation, pixels, random, values.data());
  Image result{size, size, {}};
  for (float v : values) result.pixels.push_back(uint8_t(std::lround(v)));
  return result;
}

TEST_CASE("a training view is one of the crops, mirrored or not", "[data]") {
  Image image = pattern(10, 10);
  std::set<std::string> possible, seen;
  for (int top = 0; top < 3; ++top)
    for (int left = 0; left < 3; ++left) {
      possible.insert(text_of(crop(image, top, left, 8, 8)));
      possible.insert(text_of(mirror(crop(image, top, left, 8, 8))));
    }
  REQUIRE(possible.size() == 18);
  for (int64_t i = 0; i < 400; ++i)
    seen.insert(text_of(view(image, 8, augmentation_random(1, 2, i))));
  CHECK(seen == possible);
  CHECK(view(image, 8, augmentation_random(1, 2, 3)) ==
        view(image, 8, augmentation_random(1, 2, 3)));
  CHECK_THROWS_AS(view(image, 11, augmentation_random(1, 2, 3)), ShapeError);
  CHECK(validation_crop(image, 8) == crop(image, 1, 1, 8, 8));
  for (int64_t i = 0; i < 20; ++i) {
    const Random random = augmentation_random(1, 2, i);
    CHECK(view(image, 8, random, {.mirror = false, .crop = false}) == crop(image, 1, 1, 8, 8));
  }
}

TEST_CASE("a padded view may begin outside the image, where there are zeros", "[data]") {
  const Image image = pattern(4, 4);
  std::set<std::string> possible, seen;
  for (int top = -2; top <= 2; ++top)
    for (int left = -2; left <= 2; ++left) {
      Image part{4, 4, std::vector<uint8_t>(48)};
      for (int y = std::max(0, -top); y < std::min(4, 4 - top); ++y)
        for (int x = std::max(0, -left); x < std::min(4, 4 - left); ++x)
          std::copy_n(image.at(top + y, left + x), 3, part.at(y, x));
      possible.insert(text_of(part));
    }
  REQUIRE(possible.size() == 25);
  for (int64_t i = 0; i < 400; ++i)
    seen.insert(text_of(view(image, 4, augmentation_random(1, 2, i), {.mirror = false, .pad = 2})));
  CHECK(seen == possible);
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
  training_view(data.image(index), 16, {}, {}, augmentation_random(5, 3, index), values.data());
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

TEST_CASE("a Feed gives the Loader's batches, wherever the images are", "[data]") {
  Dataset data = numbered(50);
  data.decode(2, true);
  for (const Augmentation& augmentation :
       {Augmentation{}, Augmentation{.mirror = false, .crop = false}, Augmentation{.pad = 3}}) {
    LoaderOptions options = loading(0, 2);
    options.augmentation = augmentation;
    for (Device device : test_devices())
      for (Residence residence : {Residence::host, Residence::device}) {
        Feed feed(data, device, options, residence);
        CHECK(feed.resident() == (residence == Residence::device));
        for (int64_t epoch : {3, 4}) {
          const int64_t first = epoch == 4 ? 2 : 0;
          LoaderOptions wanted = options;
          wanted.epoch = epoch;
          wanted.first_batch = first;
          feed.start_epoch(epoch, first);
          for (auto& batch : all_batches(data, wanted)) {
            REQUIRE(feed.next());
            feed.load();
            CHECK(feed.images().to_vector<float>() == batch.images);
            CHECK(feed.labels().to_vector<int32_t>() == batch.labels);
          }
          CHECK_FALSE(feed.next());
        }
      }
  }
}

TEST_CASE("a loader can leave pixels as they are stored, and say which part is seen", "[data]") {
  const Dataset data = numbered(20);
  for (int workers : {0, 2}) {
    LoaderOptions options = loading(3, workers);
    const auto seen = all_batches(data, options);
    options.stored = true;
    const auto stored = all_batches(data, options);
    REQUIRE(stored.size() == seen.size());
    for (std::size_t b = 0; b < seen.size(); ++b) {
      CHECK(stored[b].images.empty());
      CHECK(stored[b].indexes == seen[b].indexes);
      CHECK(stored[b].labels == seen[b].labels);
      for (std::size_t i = 0; i < 8; ++i) {
        const int64_t index = seen[b].indexes[i];
        const auto first = stored[b].pixels.begin() + std::ptrdiff_t(i) * 18 * 18 * 3;
        CHECK(std::equal(first, first + 18 * 18 * 3, data.image(index).pixels.begin()));
        Curve none;
        const View wanted =
            choose_view(nullptr, 18, 16, {}, augmentation_random(5, 3, index), none);
        CHECK(std::equal(wanted.map, wanted.map + 6, stored[b].views[i].map));
        CHECK(stored[b].views[i].label == data.label(index));
        CHECK(stored[b].views[i].image == int32_t(i));
      }
    }
  }
}

TEST_CASE("a Feed's batches may be larger than the staging memory of other copies", "[data]") {
  Dataset data = numbered(40, 600);  // 8.6 MB a batch
  data.decode(2, true);
  const auto batches = all_batches(data, loading());
  for (Device device : test_devices()) {
    Feed feed(data, device, loading(0, 2), Residence::host);
    feed.start_epoch(0);
    // Nothing waits for the device between two batches.
    std::vector<Tensor> seen;
    while (feed.next()) {
      feed.load();
      seen.push_back(feed.images().clone());
    }
    REQUIRE(seen.size() == batches.size());
    for (std::size_t i = 0; i < seen.size(); ++i)
      CHECK(seen[i].to_vector<float>() == batches[i].images);
  }
}

TEST_CASE("a Feed sends bytes, not floats", "[data]") {
  for (Device device : test_devices()) {
    Feed feed(numbered(50), device, loading(), Residence::host);
    feed.start_epoch(0);
    trace::begin();
    CHECK(feed.next());
    int64_t bytes = 0;
    for (auto& call : trace::end().calls) bytes += call.bytes;
    CHECK(bytes > 0);
    CHECK(bytes < 2 * int64_t(feed.images().bytes()));
  }
}

TEST_CASE("a Feed asks for a batch when it is due, not a step before", "[data]") {
  std::vector<Sample> samples(64);
  for (int i = 0; i < 64; ++i) samples[std::size_t(i)].path = std::to_string(i);
  const std::string bad = std::to_string(shuffled_order(64, 5, 0)[8]);  // of the second batch
  const Dataset data({"c"}, samples, 16, [bad](const Sample& s) {
    if (s.path == bad) throw FormatError(s.path, "is gone");
    return pattern(16, 16);
  });
  for (Device device : test_devices())
    for (int workers : {0, 2}) {
      Feed feed(data, device, loading(0, workers), Residence::host);
      feed.start_epoch(0);
      CHECK(feed.next());
      CHECK_THROWS_AS(feed.next(), FormatError);
    }
}

TEST_CASE("a Feed keeps only decoded images on a device", "[data]") {
  const Dataset data = numbered(50);
  CHECK_THROWS_AS(Feed(data, {}, loading(), Residence::device), Error);
  CHECK_FALSE(Feed(data, {}, loading()).resident());
}
