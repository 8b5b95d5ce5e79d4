// saliency_maps and inspect: which maps they draw, and what they refuse.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "data/image.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"

using namespace tweed;

namespace {

std::string names_of_methods() {
  return "gradient,input-x-gradient,integrated-gradients,smoothgrad,vargrad,guided-backprop,"
         "grad-cam,grad-cam++,occlusion";
}

}  // namespace

TEST_CASE("Flags of maps change the picture, or are refused where no method uses them") {
  const TrainedNetwork t;
  const std::string picture = t.folder.path() + "/maps.png";
  const auto draw = [&](const std::string& flags) {
    const Outcome o = succeeded(
        "saliency_maps", Words{t.best, t.data, "--count", "4", "--out", picture} + split(flags));
    CHECK(o.err == "");
    return bytes_of(picture);
  };
  const std::string usual = draw("");
  CHECK((draw("--method gradient --colors red") == usual));
  for (const char* flags :
       {"--colors grey", "--colors dusk", "--colors ember", "--colors signed", "--score logit",
        "--target b", "--method occlusion", "--method gradient,vargrad"}) {
    INFO(flags);
    CHECK((draw(flags) != usual));
  }
  CHECK((draw("--target 1 --colors dusk") == draw("--target b --colors dusk")));
  const std::pair<const char*, Words> pairs[] = {
      {"integrated-gradients", {"--steps 2", "--baseline black", "--baseline white"}},
      {"smoothgrad", {"--samples 3", "--noise 0.4"}},
      {"vargrad", {"--samples 3", "--noise 0.4"}},
      {"grad-cam", {"--layer 0", "--target c"}},
      {"occlusion", {"--window 7", "--stride 1", "--baseline white", "--score probability"}}};
  for (auto& [method, changing] : pairs) {
    const std::string start = "--colors dusk --method " + std::string(method) + " ";
    const std::string before = draw(start);
    for (auto& flag : changing) {
      INFO(method << " " << flag);
      CHECK((draw(start + flag) != before));
    }
  }
  const auto refused = [&](const std::string& flags, const std::string& what) {
    INFO(flags);
    check_refused(run_app("saliency_maps", Words{t.best, t.photo} + split(flags)), what);
  };
  refused("--layer 0", "--layer belongs to grad-cam and grad-cam++, not to --method gradient");
  for (const char* flag : {"--steps", "--samples", "--noise", "--window", "--stride"})
    refused(flag + std::string(" 1"), flag + std::string(" belongs to "));
  refused("--baseline black", "--baseline belongs to integrated-gradients and occlusion");
  refused("--method gradcam", "did you mean 'grad-cam'?; there are gradient, input-x-gradient");
  refused("--method gradient,", "--method takes names with commas between them");
  refused("--method rollout", "attention rollout needs layers of attention");
  refused("--method grad-cam --layer conv9", "there is no layer 'conv9'; there are 0, ");
  refused("--method grad-cam --layer 9", "there is no layer '9'");
  refused("--target d", "--target: there is no class 'd'; there are a, b, c");
  refused("--target 3", "--target takes a whole number from 0 to 2");
  refused("--colors jet", "--colors: takes red, grey, dusk, ember, signed, not 'jet'");
  refused("--score margin", "--score: takes logit, probability, log-probability");
  refused("--baseline grey", "--baseline: takes mean, black, white");
  refused("--method occlusion --window 33", "a window of 33 pixels is larger than the image, 32");
  refused("--method occlusion --window 2 --stride 3", "leave pixels out");
}

TEST_CASE("--method all draws what the network is fit for, and the likeliest classes are printed") {
  const TrainedNetwork t;
  const std::string all = t.folder.path() + "/all.png", each = t.folder.path() + "/each.png";
  const Words few = split("--steps 2 --samples 2 --window 16 --stride 16");
  const Outcome o =
      succeeded("saliency_maps", Words{t.best, t.photo, "--method", "all", "--out", all} + few);
  succeeded("saliency_maps",
            Words{t.best, t.photo, "--method", names_of_methods(), "--out", each} + few);
  CHECK((bytes_of(all) == bytes_of(each)));
  CHECK(o.out.starts_with("photo.png: "));
  CHECK(o.out.find("a 0.") != std::string::npos);
  CHECK(o.out.find("c 0.") != std::string::npos);
  CHECK(line_count(o.out) == 2);
}

TEST_CASE("A vision transformer has a rollout, and Grad-CAM of its tokens") {
  const TrainedNetwork t("simplevit");
  const std::string picture = t.folder.path() + "/maps.png";
  for (const char* flags : {"--method rollout", "--method grad-cam",
                            "--method grad-cam,grad-cam++ --layer blocks.1.attn"}) {
    succeeded("saliency_maps", Words{t.best, t.photo, "--out", picture} + split(flags));
    CHECK(std::filesystem::remove(picture));
  }
  const Outcome o =
      run_app("saliency_maps", Words{t.best, t.photo} + split("--method rollout --target a"));
  check_refused(o, "--target belongs to methods that ask about a class");
}

TEST_CASE("--check measures each method, draws curves, and says so as JSON, too") {
  const TrainedNetwork t;
  const std::string picture = t.folder.path() + "/maps.png";
  const Words start{t.best,    t.data,  "--count", "2", "--method", "gradient,grad-cam",
                    "--check", "--out", picture};
  const Outcome o = succeeded("saliency_maps", start);
  for (const char* name :
       {"deletion", "insertion", "\ngradient ", "\ngrad-cam ", "\nrandom order "})
    CHECK(o.out.find(name) != std::string::npos);
  CHECK(o.out.find("Means over 2 images.") != std::string::npos);
  CHECK(decode_image(t.folder.path() + "/maps-check.png").width > 300);
  const auto json =
      nlohmann::json::parse(succeeded("saliency_maps", start + Words{"--json"}).out).at("check");
  REQUIRE(json.size() == 3);
  CHECK(json[0].at("method") == "gradient");
  CHECK(json[0].at("likeness_half_random") <= 1);
  CHECK(json[1].at("depends_on_weights").is_boolean());
  CHECK(!json[2].contains("likeness_all_random"));
  CHECK(json[2].at("deletion") >= 0);
}

TEST_CASE("inspect draws filters, feature maps and class models") {
  const TrainedNetwork t;
  const std::string out = t.folder.path() + "/i";
  const auto draw = [&](const std::string& flags) {
    const Outcome o = succeeded("inspect", Words{t.best, "--out", out} + split(flags));
    CHECK(o.err == "");
    return o.out;
  };
  CHECK(draw("--filters") == "wrote " + out + "-filters.png\n");
  const std::string all = draw("--filters --maps " + t.photo + " --classes a,2 --steps 5");
  for (const char* file : {"-filters.png", "-maps.png", "-classes.png"}) {
    CHECK(all.find("wrote " + out + file) != std::string::npos);
    CHECK(decode_image(out + file).width > 100);
  }
  const auto changes = [&](const std::string& file, const std::string& start,
                           const Words& changing) {
    draw(start);
    const std::string usual = bytes_of(out + file);
    for (auto& flag : changing) {
      INFO(flag);
      draw(start + " " + flag);
      CHECK((bytes_of(out + file) != usual));
    }
  };
  changes("-maps.png", "--maps " + t.photo,
          {"--layers 0", "--channels 2", "--mean 0.1", "--std 0.5", "--resize 40", "--crop 24"});
  changes("-classes.png", "--classes a --steps 6",
          {"--steps 7", "--rate 0.5", "--decay 0.3", "--jitter 0", "--blur-every 0", "--seed 2"});
  const std::string names = t.folder.path() + "/names.txt";
  write_text(names, "x\ny\nz\n");
  CHECK(draw("--classes x --steps 2 --classes-file " + names).starts_with("x: 0."));
  for (const char* flag : {"--threads 2", "--gpu -1", "--device cpu"}) {
    draw("--filters");
    const std::string usual = bytes_of(out + "-filters.png");
    draw(std::string("--filters ") + flag);
    CHECK((bytes_of(out + "-filters.png") == usual));
  }
  CHECK(succeeded("inspect", {"--weights", t.best, "--filters", "--out", out}).err == "");
  CHECK(run_app("inspect", {t.best, "--model", t.json, "--filters", "--out", out}).code == 0);
}

TEST_CASE("inspect refuses nonsense in a line") {
  const TrainedNetwork t;
  const auto refused = [&](const std::string& flags, const std::string& what) {
    INFO(flags);
    check_refused(run_app("inspect", Words{t.best} + split(flags)), what);
  };
  const std::string maps = "--maps " + t.photo;
  refused("", "nothing to draw: give --filters, --maps PHOTO or --classes");
  refused("--layers 0 --filters", "--layers belongs to --maps");
  refused("--steps 3 --filters", "--steps belongs to --classes");
  refused(maps + " --layers conv9", "there is no layer 'conv9'; there are 0, ");
  refused(maps + " --layers 0,", "--layers takes names with commas");
  refused("--classes d", "--classes: there is no class 'd'; there are a, b, c");
  refused("--maps " + t.data, "--maps takes one photo, no folder");
  refused("--maps nowhere.png", "nowhere.png: cannot be read");
  refused("--filters --out /proc/nowhere/x", "/proc/nowhere");
}
