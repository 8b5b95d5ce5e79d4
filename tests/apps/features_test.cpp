// features and export_weights as a user runs them.
#include "train/features.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "record/checkpoint.h"
#include "record/torch/torch_file.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"
#include "tests/support.h"

using namespace tweed;
using nlohmann::json;

namespace {

// The rows after the table's head.
std::string table(const std::string& out) { return out.substr(out.find("top-1, %")); }

}  // namespace

TEST_CASE("features: a linear classifier tells colours apart, from the cache to the same digits") {
  const TrainedNetwork t("resnet20");
  const std::string cache = t.folder / "cache.safetensors";
  const Words start{t.best, t.data, "--cache", cache};
  const Outcome first = succeeded("features", start);
  CHECK_THAT(first.out, Contains("resnet20: 64 features of 12 training and 9 validation images of "
                                 "32x32, 3 classes\n"));
  const Outcome again = succeeded("features", start);
  CHECK_THAT(again.out, Contains("3 classes, from " + cache));
  CHECK(table(again.out) == table(first.out));
  CHECK(table(succeeded("features", {t.best, t.data}).out) == table(first.out));

  const SafeTensors kept = read_safetensors(cache);
  CHECK(kept.tensors.at("train.features").shape() == Shape{12, 64});
  CHECK(kept.tensors.at("validation.logits").shape() == Shape{9, 3});
  CHECK(kept.tensors.at("train.labels").to_vector<int32_t>() ==
        std::vector<int32_t>{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2});

  // Other images, sizes or weights are not those of the cache.
  for (const char* more : {"--limit 2", "--image-size 24", "--classes a,b", "--mean 0.1"})
    CHECK(succeeded("features", start + split(more)).out.find("from " + cache) ==
          std::string::npos);
  CHECK_THAT(succeeded("features", start + split("--mean 0.1")).out, Contains("from " + cache));
  const std::string other = t.folder / "other";
  succeeded("train_miniplaces", Words{t.data, "--model", "resnet20", "--out", other} +
                                    split("--image-size 32 --batch-size 4 --epochs 1 --seed 9"));
  CHECK(succeeded("features", {other, t.data, "--cache", cache}).out.find("from ") ==
        std::string::npos);
}

TEST_CASE("features: several rates and decays, a row each, and as JSON") {
  const TrainedNetwork t("resnet20");
  const Words start{t.best, t.data, "--cache", t.folder / "cache.safetensors"};
  const Outcome o = succeeded("features", start + split("--lr 0.1,10 --wd 0,1e-5,1 --json"));
  const json all = json::parse(o.out);
  CHECK(all["classifiers"].size() == 6);
  CHECK(all["features"] == 64);
  CHECK(all["validation_images"] == 9);
  CHECK(all["classifiers"][1]["decay"] == 1e-5);
  CHECK(all["classifiers"][5]["lr"] == 10);
  const std::string usual = table(succeeded("features", start).out);
  for (const char* flag : {"--epochs 1", "--batch-size 2", "--seed 3", "--no-unit-length"}) {
    INFO(flag);
    CHECK_THAT(succeeded("features", start + split(flag)).out, Contains("top-1, %"));
  }
  CHECK(table(succeeded("features", start + split("--threads 2 --workers 0")).out) == usual);
  check_refused(run_app("features", start + split("--lr 1,,2")), "--lr takes a number above 0");
  check_refused(run_app("features", start + split("--lr 1,x")), "--lr takes a number above 0");
  check_refused(run_app("features", {t.best, t.data, "--cache", t.best}),
                "is no file of features, and so is not replaced by one");
  write_text(t.folder / "text", "no features");
  check_refused(run_app("features", {t.best, t.data, "--cache", t.folder / "text"}), "text");
}

TEST_CASE("class accuracy is the mean over classes, whatever their sizes") {
  const Tensor logits = Tensor::from<float>({1, 0, 1, 0, 1, 0, 0, 1}, {4, 2});
  const ClassAccuracy a = class_accuracy(logits, Tensor::from<int32_t>({0, 0, 1, 1}, {4}));
  CHECK(a.top1 == 75);
  CHECK(a.class_mean == 75);
  const ClassAccuracy b = class_accuracy(logits, Tensor::from<int32_t>({0, 1, 1, 1}, {4}));
  CHECK(b.top1 == 50);
  CHECK(std::abs(b.class_mean - (100 + 100 / 3.) / 2) < 1e-9);
  const auto unit = unit_rows(Tensor::from<float>({3, 4, 0, 0}, {2, 2})).to_vector<float>();
  CHECK(unit == std::vector<float>{0.6f, 0.8f, 0, 0});
}

TEST_CASE("export_weights writes what OUT's ending says, and takes it back") {
  const TrainedNetwork t("resnet20");
  const std::string pth = t.folder / "net.pth", safe = t.folder / "net.safetensors",
                    onnx = t.folder / "net.onnx";
  for (auto& out : {pth, safe, onnx})
    CHECK_THAT(succeeded("export_weights", {t.best, out}).out, Contains("wrote " + out));
  CHECK(bytes_of(safe) == bytes_of(t.best));
  CHECK_THAT(bytes_of(onnx), Contains("BatchNormalization") && Contains("layer1.0.conv1.weight"));
  const TorchFile file(pth);
  const SafeTensors wanted = read_safetensors(t.best);
  REQUIRE(file.tensors().size() == wanted.tensors.size());
  for (auto& [name, tensor] : wanted.tensors) CHECK(same_bits(file.read(name), tensor));

  const std::string photo = t.photo;
  const Words sizes = split("--model resnet20 --resize 36 --crop 32");
  const Outcome ours = succeeded("classify", {photo, "--weights", t.best}),
                theirs = succeeded("classify", Words{photo, "--weights", pth} + sizes);
  const auto probabilities = [](const std::string& out) { return out.substr(out.find("\n  "), 8); };
  CHECK(probabilities(ours.out) == probabilities(theirs.out));

  check_refused(run_app("export_weights", {t.best, pth}), "is there already; --overwrite");
  check_refused(run_app("export_weights", {t.best, t.folder / "net.h5"}),
                "OUT ends in .safetensors, .pth or .onnx");
  const auto whole = std::filesystem::file_size(pth);
  succeeded("export_weights", {t.best, pth, "--overwrite", "--half-weights"});
  CHECK(2 * std::filesystem::file_size(pth) < 3 * whole / 2);
}
