// classify, and training on CIFAR-10 records, as processes.
#include <fstream>

#include "data/image.h"
#include "record/checkpoint.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"

using namespace tweed;

namespace {

// Records of CIFAR-10, each class a colour.
void write_records(const std::string& path, int count) {
  std::ofstream file(path, std::ios::binary);
  for (int i = 0; i < count; ++i) {
    file.put(char(i % 10));
    for (int c = 0; c < 3; ++c)
      for (int p = 0; p < 1024; ++p) file.put(char((i % 10) * 25 * (c + 1) + p % 3));
  }
}

// A network for CIFAR-10's classes, and where it was trained.
struct Trained {
  TemporaryFolder folder;
  std::string records = folder.path() + "/records.bin", out = folder.path() + "/out",
              best = out + "/best.safetensors", photo = folder.path() + "/photo.png";
  Outcome outcome;
  explicit Trained(const std::vector<std::string>& more = {}) {
    write_records(records, 100);
    write_png(photo, {50, 40, std::vector<uint8_t>(50 * 40 * 3, 75)});
    std::vector<std::string> words{
        records, "--model", "cifar_5x5", "--batch-size", "10",  "--iterations", "13", "--warmup",
        "0",     "--out",   out,         "--lr",         "0.02"};
    words.insert(words.end(), more.begin(), more.end());
    outcome = run_app("train_miniplaces", words);
  }
};

}  // namespace

TEST_CASE("CIFAR-10 records train for a number of iterations") {
  Trained t({"--augment", "mirror,pad", "--normalize", "data"});
  INFO(t.outcome.err);
  REQUIRE(t.outcome.code == 0);
  CHECK(t.outcome.out.find("Epoch 2/2") != std::string::npos);  // nine iterations and four
  const Checkpoint c = load_checkpoint(t.out + "/last.safetensors");
  CHECK(c.info.image_size == 32);
  CHECK(c.info.load_size == 32);
  CHECK(c.info.classes[1] == "automobile");
  CHECK(c.info.mean[0] != 0.485f);
  CHECK(c.network->find("bn1").state().back().tensor.item() == 13);  // num_batches_tracked

  const std::string last = t.out + "/last.safetensors";
  const Outcome other =
      run_app("train_miniplaces", {t.records, "--resume", last, "--batch-size", "10",
                                   "--iterations", "20", "--augment", "mirror"});
  check_refused(other, "augmentation");
}

TEST_CASE("flags of training that make no sense are refused") {
  check_refused(Trained({"--augment", "blur"}).outcome, "--augment");
  check_refused(Trained({"--augment", "none,crop"}).outcome, "--augment");
  check_refused(Trained({"--normalize", "twice"}).outcome, "--normalize");
  check_refused(Trained({"--validation", "tiny"}).outcome,
                "--validation: tiny: it lacks the class");
}

TEST_CASE("classify names the best classes of each photo") {
  Trained t;
  REQUIRE(t.outcome.code == 0);
  Outcome o = run_app("classify", {t.photo, t.photo, "--weights", t.best, "--top", "2"});
  INFO(o.err);
  REQUIRE(o.code == 0);
  CHECK(std::count(o.out.begin(), o.out.end(), '\n') == 6);
  CHECK(o.out.rfind("photo.png\n", 0) == 0);

  const std::string names = t.folder.path() + "/names.txt";
  std::ofstream(names) << "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n";
  // The same file as foreign weights: preprocessed otherwise, named otherwise.
  o = run_app("classify", {t.photo, "--weights", t.best, "--model", "cifar_5x5", "--classes-file",
                           names, "--resize", "32x32", "--crop", "32", "--top", "10"});
  REQUIRE(o.code == 0);
  CHECK(o.out.find(" j\n") != std::string::npos);

  auto refused = [&](std::vector<std::string> more, const char* what) {
    more.insert(more.begin(), {t.photo, "--weights", t.best});
    check_refused(run_app("classify", more), what);
  };
  refused({"--model", "resnet18"}, "resnet18");
  refused({"--model", "nothing"}, "there is no model");
  refused({"--classes-file", t.folder.path() + "/none"}, "none");
  refused({"--resize", "big"}, "--resize");
  refused({"--resize", "32x40"}, "--resize");
  refused({"--resize", "16"}, "--crop");
  refused({"--mean", "1,2"}, "--mean");
  std::ofstream(names) << "a\nb\n";
  refused({"--classes-file", names}, "2 classes");
  check_refused(run_app("classify", {t.folder.path() + "/none.jpg", "--weights", t.best}),
                "none.jpg");
  check_refused(run_app("classify", {t.photo, "--weights", t.photo}), "photo.png");
}
