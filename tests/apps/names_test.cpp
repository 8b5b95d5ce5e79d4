// Class names that are hard to pass on: commas, outer spaces, digits, control characters, bytes
// that are no UTF-8, two of one name.
#include "apps/paths.h"
#include "data/dataset.h"
#include "record/checkpoint.h"
#include "tests/apps/process.h"
#include "tests/catch.h"
#include "tests/data_support.h"
#include "tests/temporary_folder.h"

using namespace tweed;
namespace fs = std::filesystem;

namespace {

using Names = std::vector<std::string>;

// Folders as they are called, in order.
const Names nasty{" ant",
                  "7",
                  "an\nt",
                  "bee ",
                  "caf\xe9",
                  "co\rw",
                  "dog, hound",
                  "dog,hound,cat",
                  "\x1b[2Jerase",
                  "\xEF\xBB\xBF"
                  "bom"};

// In a network and on a terminal.
Names sorted_in_utf8() {
  Names names = nasty;
  std::sort(names.begin(), names.end());
  for (auto& name : names)
    if (name == "caf\xe9") name = "caf\\xe9";
  return names;
}

void put_classes(const std::string& root, const Names& names, int train, int validation) {
  for (auto& name : names) {
    put_images(root + "/train/" + name, train);
    put_images(root + "/val/" + name, validation);
  }
}

// The program ends well and prints nothing that a terminal would act upon.
std::string run(const std::string& name, Names arguments) {
  arguments.insert(arguments.begin(), program_path(name));
  const Outcome o = run_program(arguments);
  INFO(name << ": " << o.err << o.out);
  REQUIRE(o.code == 0);
  for (const char* control : {"\x1b", "\r", "an\nt", "\xe9\n"}) {
    CHECK(o.out.find(control) == std::string::npos);
    CHECK(o.err.find(control) == std::string::npos);
  }
  return o.out;
}

Listing listing_of(const Names& classes) {
  Listing listing;
  listing.classes = classes;
  for (int i = 0; i < int(classes.size()); ++i) listing.train.push_back({"image", i});
  return listing;
}

}  // namespace

TEST_CASE("a network of nasty names trains, resumes, is evaluated, attacked and explained") {
  TemporaryFolder folder;
  const std::string data = folder / "data", out = folder / "run", last = out + "/last.safetensors";
  put_classes(data, nasty, 2, 1);
  const Names training{data,   "--image-size", "16", "--batch-size", "5", "--lr",
                       "0.01", "--warmup",     "0",  "--out",        out};
  Names first = training, more = training;
  first.insert(first.end(), {"--epochs", "1"});
  more.insert(more.end(), {"--epochs", "2", "--resume", last});
  CHECK_THAT(run("train_miniplaces", first), Contains("written as 'caf\\xe9'"));
  CHECK(load_checkpoint(last).info.classes == sorted_in_utf8());
  run("train_miniplaces", more);
  CHECK(load_checkpoint(last).info.epoch == 2);
  CHECK_THAT(run("train_miniplaces", {data, "--evaluate", "--resume", last}),
             Contains("(10 images of 16x16)"));
  run("pgd_attack", {last, data, "--steps", "1", "--out", folder / "attack.png"});
  run("saliency_maps", {last, data, "--count", "2", "--out", folder / "maps.png"});
}

TEST_CASE("one class that is called by a number is that class, not so many") {
  TemporaryFolder folder;
  put_classes(folder.path(), {"7"}, 2, 1);
  DataOptions options = small();
  options.class_names = {"7"};
  CHECK(open_dataset(folder.path(), options).train.classes() == Names{"7"});
}

TEST_CASE("exact names keep commas and spaces; typed ones may have commas, too") {
  const Names all{" ant", "cat", "cat, tabby", "dog, hound, big"};
  DataOptions exact;
  exact.class_names = {"dog, hound, big", " ant"};
  exact.classes = "no such class";
  Listing chosen = choose(listing_of(all), exact);
  CHECK(chosen.classes == exact.class_names);
  CHECK(chosen.train.size() == 2);
  CHECK(chosen.train[0].label == 1);

  DataOptions typed;
  typed.classes = "cat, tabby,ant, dog, hound, big,cat";
  CHECK_THROWS_WITH(choose(listing_of(all), typed), Contains("no class 'ant'"));
  typed.classes = "cat, tabby, ant, dog, hound, big ,cat";
  CHECK(choose(listing_of(all), typed).classes ==
        Names{"cat, tabby", " ant", "dog, hound, big", "cat"});
  typed.classes = "hound";
  CHECK_THROWS_WITH(choose(listing_of(all), typed), Contains("no class 'hound'"));
  typed.classes = "\x1b[2J";
  CHECK_THROWS_WITH(choose(listing_of(all), typed), Contains("no class '\\x1b[2J'"));
}

TEST_CASE("a few validation images are as many of each class, in the order of the list") {
  Listing listing = listing_of({"ant", "bee", "cat"});
  listing.validation.clear();
  for (int i = 0; i < 12; ++i) listing.validation.push_back({std::to_string(i), i / 5});
  DataOptions options;
  const auto taken = [&](int64_t count) {
    options.validation_images = count;
    Names names;
    for (auto& sample : choose(listing, options).validation) names.push_back(sample.path);
    return names;
  };
  CHECK(taken(1) == Names{"0"});
  CHECK(taken(3) == Names{"0", "5", "10"});
  CHECK(taken(5) == Names{"0", "1", "5", "6", "10"});
  CHECK(taken(8) == Names{"0", "1", "2", "5", "6", "7", "10", "11"});
  CHECK(taken(0).size() == 12);
  CHECK(taken(99).size() == 12);
}

TEST_CASE("names are settled before anything is decoded") {
  Listing latin = listing_of({"caf\xe9", "th\xc3\xa9", "\xff"});
  settle_class_names(latin, "DATA");
  CHECK(latin.classes == Names{"caf\\xe9", "th\xc3\xa9", "\\xff"});
  REQUIRE(latin.notes.size() == 1);
  CHECK_THAT(latin.notes[0], Contains("'caf\\xe9' and 1 more"));

  const auto refusal = [](const Names& names) {
    Listing listing = listing_of(names);
    return message_of([&] { settle_class_names(listing, "DATA"); });
  };
  CHECK_THAT(refusal({"ant", "bee", "ant"}), Contains("DATA: has two classes called 'ant'"));
  CHECK_THAT(refusal({"caf\xe9", "caf\\xe9"}), Contains("has two classes called 'caf\\xe9'"));
  CHECK_THAT(refusal({"ant", ""}), Contains("a class without a name"));
  CHECK_THAT(refusal({std::string(100'000, 'x')}), Contains("takes 100000 bytes"));
  CHECK(refusal({std::string(100'000, 'x')}).size() < 400);
}
