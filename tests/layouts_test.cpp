// Folders and lists as people have them: what is taken, what is left out, and that it is said.
#include <sys/stat.h>

#include <map>

#include "data/dataset.h"
#include "kernels/machine/error.h"
#include "tests/catch.h"
#include "tests/data_support.h"
#include "tests/temporary_folder.h"

using namespace tweed;
using namespace std::string_literals;
namespace fs = std::filesystem;

namespace {

using Names = std::vector<std::string>;

std::string text_of(const Names& notes) {
  std::string text;
  for (auto& note : notes) text += note + "\n";
  return text;
}

// ROOT/SPLIT/ant and bee, of two images each.
void put_split(const std::string& folder) {
  put_images(folder + "/ant", 2);
  put_images(folder + "/bee", 2);
}

std::string refusal(const std::string& root) {
  return message_of([&] { open_dataset(root, small()); });
}

// Folders that validation images lie in, relative to the root.
Names validation_folders(const DataSplits& data, const std::string& root) {
  std::map<std::string, int> folders;
  for (auto& sample : data.validation.samples())
    ++folders[fs::path(sample.path).parent_path().lexically_relative(root).string()];
  Names names;
  for (auto& [name, count] : folders) names.push_back(name);
  return names;
}

}  // namespace

TEST_CASE("val, validation, valid and dev come before test, in any case") {
  for (const std::string name : {"val", "validation", "valid", "dev", "Val", "VALID"}) {
    TemporaryFolder root;
    put_split(root / "train");
    put_split(root / name);
    put_split(root / "test");
    const DataSplits data = open_dataset(root.path(), small());
    INFO(text_of(data.notes));
    CHECK(data.train.size() == 4);
    CHECK(validation_folders(data, root.path()) == Names{name + "/ant", name + "/bee"});
    CHECK_THAT(text_of(data.notes), Contains("train/ for training, " + name + "/ for validation"));
    CHECK_THAT(text_of(data.notes), Contains("Left out: test/ (" + name + "/ is taken)"));
  }
  TemporaryFolder root;
  put_split(root / "training");
  put_split(root / "testing");
  CHECK(validation_folders(open_dataset(root.path(), small()), root.path())[0] == "testing/ant");
}

TEST_CASE("a class may be called train or test") {
  for (const std::string name : {"train", "test", "dev"}) {
    TemporaryFolder root;
    for (auto& folder : Names{"bus", "car", name}) put_images(root / folder, 10);
    const DataSplits data = open_dataset(root.path(), small());
    Names classes{"bus", "car", name};
    std::sort(classes.begin(), classes.end());
    CHECK(data.train.classes() == classes);
    CHECK(data.train.size() == 27);
    CHECK_THAT(text_of(data.notes), Contains("'" + name + "' is taken as a class"));
  }
}

TEST_CASE("a folder of classes may be for validation whole") {
  TemporaryFolder root;
  put_images(root / "ant", 12);
  put_images(root / "bee", 3);
  DataOptions options = small();
  CHECK(open_dataset(root.path(), options, Splits::validation).validation.size() == 1);
  options.all_validation = true;
  const DataSplits data = open_dataset(root.path(), options, Splits::validation);
  CHECK(data.validation.size() == 15);
  CHECK_THAT(data.notes.at(0), Contains("Taken: 2 class folders for validation."));
}

TEST_CASE("folders of images without labels are no splits and no classes") {
  TemporaryFolder root;
  put_images(root / "train/ant", 10);
  put_images(root / "test", 3);
  const DataSplits data = open_dataset(root.path(), small());
  CHECK(data.train.size() == 9);
  CHECK(data.validation.size() == 1);
  CHECK_THAT(text_of(data.notes),
             Contains("every tenth image") && Contains("test/ (no images in class folders)"));
  fs::remove_all(root / "train/ant");
  put_images(root / "train", 10);  // cat.0.jpg, dog.0.jpg, ...: not "train" against "test"
  CHECK_THAT(refusal(root.path()), Contains("in no class folder; sort them into"));
  TemporaryFolder flat;
  put_images(flat.path(), 3);
  CHECK_THAT(refusal(flat.path()), Contains("in no class folder; sort them into"));
}

TEST_CASE("CLASS/images/ is CLASS, and further folders belong to their class") {
  TemporaryFolder root;
  for (auto& name : Names{"n01", "n02"}) put_images(root / ("train/" + name + "/images"), 2);
  put_images(root / "train/n02/images/more", 1);
  put_images(root / "val/n02", 1);
  const DataSplits data = open_dataset(root.path(), small());
  CHECK(data.train.classes() == Names{"n01", "n02"});
  CHECK(data.train.size() == 5);
  CHECK(data.validation.label(0) == 1);
}

TEST_CASE("Tiny ImageNet as distributed: validation labels lie in a list") {
  TemporaryFolder root;
  for (auto& name : Names{"n01", "n02"}) put_images(root / ("train/" + name + "/images"), 2);
  put_images(root / "val/images", 2);
  put_images(root / "test/images", 2);
  const std::string list = root / "val/val_annotations.txt";
  put_text(list, "00.png\tn02\t0\t0\t1\t1\n01.png\tn01\t0\t0\t1\t1\n");
  const DataSplits data = open_dataset(root.path(), small());
  CHECK(data.train.classes() == Names{"n01", "n02"});
  REQUIRE(data.validation.size() == 2);
  CHECK_THAT(data.validation.path(0), Contains("val/images/01.png"));
  CHECK(data.validation.label(1) == 1);
  put_text(list, "00.png\tn02\n05.png\tn01\n");
  CHECK_THAT(refusal(root.path()), Contains("line 2: the image") && Contains("is not there"));
  put_text(list, "00.png n02\n");
  CHECK_THAT(refusal(root.path()), Contains("line 1: '00.png n02' is not"));
}

TEST_CASE("a folder that holds nothing but another stands for it") {
  TemporaryFolder root;
  put_split(root / "wrapped/inner/train");
  put_split(root / "wrapped/inner/val");
  put_images(root / "wrapped/__MACOSX/train/ant", 2);
  const DataSplits data = open_dataset(root / "wrapped", small());
  CHECK(data.train.classes() == Names{"ant", "bee"});
  CHECK_THAT(text_of(data.notes), Contains("wrapped/inner, the only folder there"));
}

TEST_CASE("what systems leave behind is passed over") {
  TemporaryFolder root;
  put_split(root / "train");
  put_split(root / "val");
  put_images(root / "train/.ipynb_checkpoints", 1);
  put_images(root / "train/ant/.ipynb_checkpoints", 1);
  put_images(root / "train/.Trash-0/files", 1);
  put_images(root / "train/__MACOSX/ant", 1);
  put_images(root / "train/ant/@eaDir", 1);
  put_text(root / "train/ant/._00.png", std::string("\0\5\x16\7", 4));
  const DataSplits data = open_dataset(root.path(), small());
  CHECK(data.train.classes() == Names{"ant", "bee"});
  CHECK(data.train.size() == 4);
  CHECK_THAT(text_of(data.notes), Contains("6 hidden names in train/"));
}

TEST_CASE("files that are not read, and classes of them, are named") {
  TemporaryFolder root;
  put_split(root / "train");
  put_split(root / "val");
  for (const char* name : {"a.webp", "b.WebP", "c.bmp"}) put_text(root / "train/ant/" + name, "x");
  put_text(root / "train/cow/1.bmp", "BM");
  fs::create_symlink("nowhere.png", root / "train/bee/gone.png");
  REQUIRE(::mkfifo((root / "train/bee/pipe.png").c_str(), 0600) == 0);
  const DataSplits data = open_dataset(root.path(), small());
  CHECK(data.train.classes() == Names{"ant", "bee"});
  const std::string notes = text_of(data.notes);
  CHECK_THAT(notes, Contains("in train/ (2 .bmp, 2 .webp, 1 pipes and devices)"));
  CHECK_THAT(notes, Contains("folders without images (cow/)") && Contains("1 broken link"));
  CHECK(data.notes.size() == 2);

  for (int i = 0; i < 50; ++i) fs::create_directories(root / ("extra" + std::to_string(i)));
  const std::string many = text_of(open_dataset(root.path(), small()).notes);
  CHECK_THAT(many, Contains("extra0/ (beside the splits)") && Contains(" more."));
  CHECK(many.size() < 600);
}

TEST_CASE("no folder is visited twice, however links lead to it") {
  TemporaryFolder root;
  put_split(root / "train");
  put_split(root / "val");
  fs::create_directory_symlink("..", root / "train/ant/loop");
  fs::create_directory_symlink("../bee", root / "train/ant/other");
  const DataSplits data = open_dataset(root.path(), small());
  CHECK(data.train.size() == 4);
  CHECK(data.train.label(3) == 1);  // bee's own
  CHECK_THAT(text_of(data.notes), Contains("2 links in train/ to folders that are there already"));

  TemporaryFolder linked;
  put_split(linked / "real");
  for (const char* name : {"ant", "bee"}) {
    fs::create_directories(linked / "data");
    fs::create_directory_symlink(std::string("../real/") + name, linked / "data/" + name);
  }
  CHECK(open_dataset(linked / "data", small(), Splits::train).train.size() == 4);
}

TEST_CASE("labels are those of training, whichever class is missing in validation") {
  TemporaryFolder root;
  put_split(root / "train");
  put_images(root / "val/bee", 2);
  fs::create_directories(root / "val/ant");
  const DataSplits data = open_dataset(root.path(), small());
  CHECK(data.validation.label(0) == 1);
  CHECK_THAT(text_of(data.notes), Contains("No validation images of 1 class: ant."));
  put_images(root / "val/cow", 1);
  CHECK_THAT(refusal(root.path()), Contains("val/cow: is a class of which"));
}

TEST_CASE("other data sets are named, and lists that are none are left out") {
  TemporaryFolder root;
  put_text(root / "data_batch_1", "\x80\2}");
  CHECK_THAT(refusal(root.path()), Contains("CIFAR-10 for Python"));
  fs::remove(root / "data_batch_1");
  put_text(root / "train.bin", "x");
  CHECK_THAT(refusal(root.path()), Contains("CIFAR-100"));
  put_split(root / "train");
  put_split(root / "val");
  put_text(root / "train.txt", "ant/00.png\nant/01.png\n");
  const DataSplits data = open_dataset(root.path(), small());
  CHECK(data.train.size() == 4);
  CHECK_THAT(text_of(data.notes), Contains("train.txt (no list of MiniPlaces)"));
}

namespace {
// A MiniPlaces folder whose train.txt is `list`, of images train/a/00.png to 03.png.
struct Places {
  TemporaryFolder root;
  std::string categories = "/a/ant 0\n/b/bee 1\n", list = "train/a/00.png 0\ntrain/a/01.png 1\n";
  Places() { put_images(root / "images/train/a", 4); }
  DataSplits open() {
    put_text(root / "categories.txt", categories);
    put_text(root / "train.txt", list);
    put_text(root / "val.txt", "train/a/02.png 0\n");
    return open_dataset(root.path(), small());
  }
  std::string message() {
    return message_of([&] { open(); });
  }
};
}  // namespace

TEST_CASE("lists: line ends, byte order marks, blanks") {
  for (const std::string list : {"train/a/00.png 0\r\ntrain/a/01.png 1\r\n",
                                 "\xEF\xBB\xBFtrain/a/00.png 0\ntrain/a/01.png 1",
                                 "\n\ntrain/a/00.png\t0 \n \ntrain/a/01.png\t1\t\n\n",
                                 "./train/a/00.png    0\ntrain/../train/a/01.png 1\n"}) {
    Places places;
    places.list = list;
    places.categories = "\xEF\xBB\xBF/a/ant 0\r\n/b/bee 1\r\n";
    const DataSplits data = places.open();
    CHECK(data.train.classes() == Names{"ant", "bee"});
    CHECK(data.train.size() == 2);
  }
}

TEST_CASE("lists: what is wrong is said with file and line") {
  const std::pair<std::string, std::string> cases[] = {
      {"\xFF\xFEt\0r\0"s, "train.txt: is no list in UTF-8: it is text in UTF-16; save it as UTF-8"},
      {"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"},
      {"train/a/00.png,0\n",
       "train.txt: line 1: 'train/a/00.png,0' is not a name and a label; a "
       "space parts them"},
      {"0 train/a/00.png\n", "the name comes first"},
      {"# name label\n", "line 1: '# name label' is not"},
      {"train/a/00.png 0\ntrain\\a\\01.png 1\n", "line 2: the image"},
      {"train/a/00.png 0\ntrain\\a\\01.png 1\n", "'/' parts folders here"},
      {"/train/a/00.png 0\n", "without a '/' in front"},
      {"train/a/00.png 99999999999\n", "is not a name and a label"},
      {"train/a/00.png 2\n", "line 1: label 2 is out of range"},
      {"train/a/\x1b[2J.png 0\n", "\\x1b[2J.png is not there"},
      {"train/a/\x1b[2J\n", "'train/a/\\x1b[2J' is not a name"}};
  for (auto& [list, wanted] : cases) {
    Places places;
    places.list = list;
    const std::string message = places.message();
    CHECK_THAT(message, Contains(wanted));
    CHECK(message == printable(message, message.size()));
    CHECK(message.size() < 600);
  }
  Places places;
  places.categories = "/a/ant 0\n/b/bee 1\n/a/ant 2\n";
  CHECK_THAT(places.message(), Contains("categories.txt: line 3: 'ant' is in line 1 already"));
  places.categories = "/a/ant 0\n/b/ant 1\n";
  CHECK_THAT(places.message(), Contains("categories.txt: line 2: 'ant' is in line 1 already"));
}

TEST_CASE("lists: images that are listed twice are counted") {
  Places places;
  places.list += places.list + "train/a/02.png 0\n";
  const DataSplits data = places.open();
  CHECK(data.train.size() == 5);
  CHECK_THAT(text_of(data.notes), Contains("train.txt names 2 images more than once.") &&
                                      Contains("Both train.txt and val.txt name 1 image:"));
}

TEST_CASE("more categories than images are refused before anything is built") {
  Places places;
  places.categories.clear();
  for (int i = 0; i < 20'000; ++i) {
    const std::string number = std::to_string(i);
    places.categories.append("c").append(number).append(" ").append(number).append("\n");
  }
  CHECK_THAT(places.message(), Contains("has 20000 categories, but there are only 2 images"));
}

TEST_CASE("pipes in place of lists and batches are refused at once") {
  for (const char* file : {"categories.txt", "train.txt", "val.txt", "data_batch_1.bin",
                           "test_batch.bin", "batches.meta.txt"}) {
    TemporaryFolder root;
    const bool cifar = std::string(file).find("batch") != std::string::npos;
    if (cifar)
      put_text(root / "data_batch_2.bin", std::string(3073, '\1'));
    else
      for (const char* list : {"categories.txt", "train.txt", "val.txt"})
        put_text(root / list, std::string(list) == "categories.txt" ? "ant 0\n" : "00.png 0\n");
    put_images(root.path(), 1);
    fs::remove(root / file);
    REQUIRE(::mkfifo((root / file).c_str(), 0600) == 0);
    INFO(file);
    CHECK_THAT(refusal(root.path()),
               Contains(std::string(file) + ": cannot be read: it is a pipe"));
  }
}
