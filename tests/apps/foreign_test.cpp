// The apps with weights from elsewhere, with folders of photos, and as other programs read them.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

#include "nn/models/models.h"
#include "record/checkpoint.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"

using namespace tweed;

namespace {

// Weights of three classes for a network, as somebody else would leave them.
std::string put_weights(const TemporaryFolder& folder, const std::string& model) {
  SafeTensors file;
  for (auto& [name, t] : make_model(model, {.classes = 3, .image_size = 32})->state())
    file.tensors[name] = to_file_axes(t);
  const std::string path = folder / (model + ".safetensors");
  write_safetensors(path, file);
  return path;
}

// Photos a.png and b.png, and c.png in a folder below.
std::string put_photos(const TemporaryFolder& folder) {
  const std::string photos = folder / "photos";
  std::filesystem::create_directories(photos + "/below");
  write_photo(photos + "/b.png", 1);
  write_photo(photos + "/a.png", 0);
  write_photo(photos + "/below/c.png", 2);
  return photos;
}

// The lines that are no answers.
Words names_in(const std::string& out) {
  Words names;
  std::istringstream lines(out);
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with(' ')) names.push_back(line);
  return names;
}

}  // namespace

TEST_CASE("Every network's preprocessing is known or called a guess") {
  int guesses = 0;
  for (auto& name : model_names()) {
    INFO(name);
    const Preprocessing p = preprocessing_of(name);
    CHECK(p.crop <= p.resize);
    CHECK(p.normalization.std[0] > 0);
    guesses += !p.published;
  }
  CHECK(guesses == 8);
  CHECK(preprocessing_of("resnet50").resize == 256);
  CHECK(preprocessing_of("resnet50").crop == 224);
  CHECK(preprocessing_of("resnet56").crop == 32);
  CHECK(preprocessing_of("squeezenet1_0_caffe").crop == 227);
  CHECK(preprocessing_of("squeezenet1_0_caffe").normalization.std[1] == 1 / 255.f);
  CHECK(!preprocessing_of("net.json").published);

  const auto make = [](const ModelOptions& o) { return make_model("resnet20", o); };
  register_model("own_with", make, {.resize = 40, .crop = 36, .published = true});
  register_model("own_without", make);
  TemporaryFolder folder;
  const std::string weights = put_weights(folder, "own_with");
  CHECK(load_weights(weights, "own_with").info.load_size == 40);
  CHECK(load_weights(weights, "own_with").info.image_size == 36);
  CHECK(!preprocessing_of("own_without").published);
}

TEST_CASE("Weights from elsewhere need no flags, and where they do that is said") {
  TemporaryFolder folder;
  const std::string photo = folder / "photo.png";
  write_photo(photo, 0);
  const auto classify = [&](const std::string& model, const std::string& more) {
    const Words words{photo, "--weights", put_weights(folder, model), "--model", model};
    return succeeded("classify", words + split(more));
  };
  const Outcome known = classify("resnet20", "");
  CHECK(known.err == "");
  CHECK(
      classify("resnet20", "--resize 32 --crop 32 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225")
          .out == known.out);
  CHECK(classify("resnet20", "--mean 0.5").out != known.out);
  const Outcome guessed = classify("cifar_5x5", "");
  CHECK(line_count(guessed.err) == 1);
  CHECK_THAT(guessed.err,
             Contains("note: how images were prepared for these weights of cifar_5x5") &&
                 Contains("guess; --mean, --std, --resize, --crop would say it"));
  CHECK_THAT(classify("cifar_5x5", "--mean 0.5 --std 0.5").err,
             Contains("guess; --resize, --crop would say it"));
  CHECK(classify("cifar_5x5", "--mean 0.5 --std 0.5 --resize 32x32 --crop 32").err == "");
}

TEST_CASE("Weights from elsewhere are evaluated, attacked and explained") {
  TemporaryFolder folder;
  const std::string weights = put_weights(folder, "resnet20"), data = folder / "data",
                    names = folder / "names.txt", picture = folder / "p.png";
  write_data(data);
  const Words network{weights, "--model", "resnet20"};
  const std::string said =
      "Without --classes-file: the network's classes are taken for those of DATA, in that order\n";
  const Words quick{"--steps", "1", "--out", picture};
  for (auto& [app, more] : std::vector<std::pair<std::string, Words>>{
           {"evaluate", {}}, {"pgd_attack", quick}, {"saliency_maps", {"--out", picture}}}) {
    const Words words = network + Words{data} + more;
    const std::string unnamed = succeeded(app, words).out;
    CHECK_THAT(unnamed, Contains(said));
    write_text(names, "a\nb\nc\n");
    const std::string named = succeeded(app, words + Words{"--classes-file", names}).out;
    CHECK(named + said == unnamed.substr(0, unnamed.find(said)) +
                              unnamed.substr(unnamed.find(said) + said.size()) + said);
    write_text(names, "c\nb\na\n");
    const std::string before = bytes_of(picture);
    const Outcome turned = succeeded(app, words + Words{"--classes-file", names});
    CHECK((turned.out != named || bytes_of(picture) != before));
    write_text(names, "a\nb\nd\n");
    check_refused(run_app(app, words + Words{"--classes-file", names}), "lacks the class 'd'");
    write_text(names, "a\nb\n");
    check_refused(run_app(app, words + Words{"--classes-file", names}), "names 2 classes");
    std::filesystem::rename(data + "/val/c", folder / "aside");
    std::filesystem::rename(data + "/train/c", folder / "aside2");
    check_refused(
        run_app(app, words),
        "has other classes (2) than the network (3); --classes-file says which these are");
    std::filesystem::rename(folder / "aside", data + "/val/c");
    std::filesystem::rename(folder / "aside2", data + "/train/c");
  }
  check_refused(run_app("saliency_maps", network + Words{data, "--resize", "40x40"}),
                "--resize NxN belongs to photos");
}

TEST_CASE("A folder stands for the photos in it, each once") {
  TemporaryFolder folder;
  const std::string weights = put_weights(folder, "resnet20"), photos = put_photos(folder);
  const auto classify = [&](const Words& inputs) {
    return run_app("classify", inputs + Words{"--weights", weights, "--model", "resnet20"});
  };
  write_photo(photos + "/.hidden.png", 0);
  write_text(photos + "/notes.txt", "");
  std::filesystem::create_directory_symlink("..", photos + "/below/up");
  const Words all{"a.png", "b.png", "below/c.png"};
  Outcome o = classify({photos});
  CHECK(o.code == 0);
  CHECK(o.err == "");
  CHECK(names_in(o.out) == all);
  CHECK(names_in(classify({photos, photos + "/below", photos + "/"}).out) == all);
  // Below there is a link to what is above.
  CHECK(names_in(classify({photos + "/below", photos}).out) ==
        Words{"c.png", "up/a.png", "up/b.png"});
  CHECK(names_in(classify({photos + "/a.png", photos + "/a.png"}).out) == Words{"a.png", "a.png"});
  write_text(photos + "/aa.jpg", "no image");
  o = classify({photos});
  CHECK(o.code == 1);
  CHECK(names_in(o.out) == all);
  CHECK(line_count(o.err) == 1);
  CHECK_THAT(o.err, Contains("skipped " + photos + "/aa.jpg: "));
  const std::string empty = folder / "empty";
  std::filesystem::create_directory(empty);
  check_refused(classify({photos, empty}), "empty: has no images");
}

TEST_CASE("Saliency maps of a folder are those of its photos, in sheets of a hundred") {
  TemporaryFolder folder;
  const std::string weights = put_weights(folder, "resnet20"), photos = put_photos(folder),
                    out = folder / "maps.png", data = folder / "data";
  write_data(data);
  const auto draw = [&](const Words& inputs) {
    const Words words = Words{weights, "--model", "resnet20"} + inputs + Words{"--out", out};
    const std::string said = succeeded("saliency_maps", words).out;
    // Without the likeliest classes of each photo.
    return std::regex_replace(said, std::regex("[^\n]*: [0-9]+ [0-9.]+, [^\n]*\n"), "");
  };
  std::filesystem::remove_all(photos + "/below");
  CHECK(draw({photos}) == "wrote " + out + ": 2 images of 32x32\n");
  const std::string of_folder = bytes_of(out);
  draw({photos + "/a.png", photos + "/b.png"});
  CHECK(bytes_of(out) == of_folder);
  check_refused(run_app("saliency_maps", {weights, "--model", "resnet20", photos, data}),
                "give one DATA, or image files and folders of them");
  for (int i = 0; i < 99; ++i) write_photo(photos + "/c" + std::to_string(i) + ".png", i);
  CHECK(draw({photos}) == "wrote " + out + ": 100 images of 32x32\nwrote " + folder / "maps-2.png" +
                              ": 1 image of 32x32\n");
  // A photo with train/ beside it is no photo among photos.
  write_photo(data + "/stray.png", 0);
  CHECK_THAT(draw({data}), Contains("wrote " + out + ": 9 images of 32x32\n"));
}

TEST_CASE("With --json stdout is one document, whatever is said besides") {
  TemporaryFolder folder;
  const std::string weights = put_weights(folder, "cifar_5x5"), photos = put_photos(folder),
                    picture = folder / "p.png", data = folder / "data";
  write_data(data);
  write_text(photos + "/bad\xff.png", "no image");
  const Words model{"--model", "cifar_5x5", "--json"};
  const auto json_of = [&](const std::string& app, const Words& words, int code) {
    const Outcome o = run_app(app, words + model);
    INFO(app << "\n" << o.out << o.err);
    CHECK(o.code == code);
    CHECK_THAT(o.err, Contains("note: how images were prepared"));
    REQUIRE(nlohmann::json::accept(o.out));
    return std::pair(nlohmann::json::parse(o.out), o.err);
  };
  auto [answers, err] = json_of("classify", {photos, "--weights", weights, "--top", "2"}, 1);
  REQUIRE(answers.at("photos").size() == 3);
  CHECK(answers["photos"][2].at("file") == photos + "/below/c.png");
  REQUIRE(answers["photos"][2].at("answers").size() == 2);
  const auto& first = answers["photos"][2]["answers"][0];
  CHECK(first.at("probability") >= answers["photos"][2]["answers"][1].at("probability"));
  CHECK(first.at("class") == std::to_string(first.at("label").get<int>()));
  CHECK(answers.at("skipped").size() == 1);

  auto [maps, err_maps] = json_of("saliency_maps", {weights, photos, "--out", picture}, 1);
  REQUIRE(maps.at("images").size() == 3);
  CHECK(maps["images"][2].at("answer").at("label") == first.at("label"));
  CHECK(maps["images"][2].at("picture") == picture);
  CHECK(maps["images"][2].at("answers").size() == 3);  // of three classes
  CHECK(!maps["images"][2].contains("label"));
  CHECK_THAT(err_maps, Contains("wrote " + picture));
  CHECK(json_of("saliency_maps", {weights, data, "--out", picture}, 0)
            .first.at("images")[1]
            .at("label") == 1);

  auto [attack, err_attack] = json_of("pgd_attack", {weights, data, "--out", picture}, 0);
  CHECK(attack.at("clean").at("images") == 9);
  CHECK(attack.at("attacked").at("image_size") == 32);
  CHECK(attack.at("self_test").at("passed") == true);
  CHECK(attack.at("picture") == picture);
  CHECK_THAT(err_attack, Contains("Taken: ") && Contains("clean     top-1"));

  auto [report, err_report] = json_of("evaluate", {weights, data}, 0);
  CHECK(report.at("clean").at("top1") == attack.at("clean").at("top1"));
  CHECK_THAT(err_report, Contains("Taken: "));
}

TEST_CASE("A run's folder needs no --model") {
  const TrainedNetwork t;
  check_refused(run_app("classify", {t.photo, "--weights", t.out, "--model", "simplenet"}),
                "of a run of ours, which knows its network");
}
