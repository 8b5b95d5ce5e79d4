// Networks with weights from elsewhere, where these are at hand: ../shared/data beside the tree, or
// the folder that TWEED_SHARED_DATA names. They are not ours to publish.
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "apps/paths.h"
#include "autograd/loss.h"
#include "data/loader.h"
#include "record/checkpoint.h"
#include "tests/catch.h"

using namespace tweed;

namespace {

// "" after saying that the test is skipped.
std::string shared_file(const std::string& name) {
  const char* given = std::getenv("TWEED_SHARED_DATA");
  const std::string shared = given ? given : source_path("../shared/data");
  const std::string path = shared + "/" + name;
  if (std::filesystem::exists(path)) return path;
  WARN("skipped: there is no " << name << "; TWEED_SHARED_DATA can name its folder");
  return "";
}

Tensor batch_of(const Image& image, const Normalization& by) {
  std::vector<float> values(image.pixels.size());
  normalize(image, by, values.data());
  return Tensor::from(values, {1, image.height, image.width, 3});
}

}  // namespace

TEST_CASE("SqueezeNet with its authors' weights names three photos, prepared as it expects") {
  const std::string weights = shared_file("pretrained/squeezenet1_0-imagenet.safetensors");
  if (weights.empty()) return;
  const Checkpoint network = load_weights(weights, "squeezenet1_0_caffe");
  CHECK(network.info.classes.size() == 1000);
  const CheckpointInfo& info = network.info;
  struct {
    const char* photo;
    int64_t label;
    double probability;
  } photos[] = {{"peppers.png", 945, 0.91}, {"chelsea.png", 285, 0.60}, {"coffee.png", 967, 0.72}};
  for (auto& [photo, label, probability] : photos) {
    INFO(photo);
    const std::string file = shared_file(std::string("photos/") + photo);
    if (file.empty()) return;
    const Image image = decode_image(file);
    // The other side to the nearest pixel.
    const int width = int(std::lround(double(info.load_size) * image.width / image.height));
    REQUIRE(image.width >= image.height);
    const Image view = center_crop(resize(image, info.load_size, width), info.image_size);
    NoGrad no_grad;
    const auto p =
        softmax((*network.network)(batch_of(view, {info.mean, info.std}))).to_vector<float>();
    CHECK(std::max_element(p.begin(), p.end()) - p.begin() == label);
    CHECK(std::round(100 * double(p[std::size_t(label)])) == std::round(100 * probability));
  }
}

TEST_CASE("ResNet-20 with trained weights knows the first 4,000 CIFAR-10 images") {
  const std::string weights = shared_file("pretrained/resnet20-cifar10.safetensors"),
                    records = shared_file("cifar-10-batches-bin/data_batch_1_first4000.bin");
  if (weights.empty() || records.empty()) return;
  const Checkpoint network = load_weights(weights, "resnet20");
  const Normalization by{network.info.mean, network.info.std};
  const DataSplits data = open_dataset(records);  // every tenth record is in `validation`
  NoGrad no_grad;
  int64_t right = 0, count = 0;
  for (const Dataset* part : {&data.train, &data.validation}) {
    Loader loader(*part, {.batch_size = 100,
                          .image_size = network.info.image_size,
                          .training = false,
                          .normalization = by});
    for (Batch batch; loader.next(batch); count += batch.count) {
      const Tensor x = Tensor::from(batch.images, {batch.count, 32, 32, 3});
      const Tensor labels = Tensor::from(batch.labels, {batch.count});
      right += count_top(target_ranks((*network.network)(x), labels), 1);
    }
  }
  CHECK(count == 4000);
  CHECK(std::round(1000 * double(right) / double(count)) == 998);
}
