// Flags of the apps: each changes the figure or file that it should, or is refused, or is said to
// have no effect; and figures say how many images of which size they are of.
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "apps/paths.h"
#include "data/image.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"

using namespace tweed;

namespace {

using Names = std::set<std::string>;

// All long names that --help lists, but for what every app has.
Names names_in_help(const std::string& app) {
  const std::string help = run_app(app, {"--help-all"}).out;
  const std::regex line("\n  (-[^\n]*?)(  |\n)"), name("--[\\w-]+");
  Names names;
  for (std::sregex_iterator i(help.begin(), help.end(), line), end; i != end; ++i) {
    const std::string listed = (*i)[1];
    for (std::sregex_iterator j(listed.begin(), listed.end(), name); j != end; ++j)
      names.insert(j->str());
  }
  names.erase("--help");
  names.erase("--help-all");
  return names;
}

// Flags with values, by the long name that comes first.
struct Flags {
  Words lines;
  Names names() const {
    Names names;
    for (auto& line : lines) names.insert(line.substr(0, line.find(' ')));
    return names;
  }
};

Names operator+(Names a, const Names& b) {
  a.insert(b.begin(), b.end());
  return a;
}

// Every flag of the app is spoken of by some test below: a new one has to be, too. Those of movies
// are the same for all, and tested in movie_test.cpp.
void check_complete(const std::string& app, const Names& tested) {
  for (auto& name : names_in_help(app)) {
    INFO(app << " " << name);
    CHECK((tested.count(name) == 1 || name == "--movie" || name == "--kernel"));
  }
}

}  // namespace

TEST_CASE("Every flag of an evaluation changes its figures, or says that it does not") {
  const TrainedNetwork t;
  const Words start = Words{t.data} + split("-e -a --attack-steps 2 --resume " + t.best);
  const std::string usual = succeeded("train_miniplaces", start).out;
  CHECK(usual.find("image and mirror image: top-1") != std::string::npos);
  CHECK(line_count(usual) == 3);
  CHECK(usual.find(")\nclean, not mirrored:") != std::string::npos);
  CHECK(usual.find(")\nattacked:") != std::string::npos);
  CHECK(usual.find("  (9 images of 32x32)\n") != std::string::npos);

  const Flags changing{
      {"--image-size 24",     "--load-size 44",         "--seed 5",         "--attack-eps 2/255",
       "--eps 3/255",         "--attack-step 1/255",    "--step 3/255",     "--attack-steps 5",
       "--steps 6",           "--eps-space normalized", "--goal 1",         "--goal least-likely",
       "--no-random-start",   "--attack-norm l2",       "--norm l1",        "--target second",
       "--attack-restarts 3", "--restarts 4",           "--attack-draws 3", "--attack-method fgsm",
       "--method deepfool",   "--precision bf16",       "--images 3"}};
  for (auto& flag : changing.lines) {
    const Outcome o = succeeded("train_miniplaces", start + split(flag));
    INFO(flag << "\n" << o.out << usual);
    CHECK(o.err == "");
    CHECK(o.out != usual);
    const bool sized = flag == "--image-size 24";
    CHECK((o.out.find("(9 images of 24x24)") != std::string::npos) == sized);
  }
  const std::string other = t.folder.path() + "/other";
  write_data(other, 1);
  const std::string elsewhere =
      succeeded("train_miniplaces", start + Words{"--validation", other}).out;
  CHECK(elsewhere != usual);
  CHECK(elsewhere ==
        succeeded("train_miniplaces", Words{other} + Words(start.begin() + 1, start.end())).out);

  const Flags same{{"--classes 3", "--classes a,b,c", "--workers 0", "--threads 2", "--gpu -1",
                    "--device cpu", "--model " + t.json, "--pack",
                    "--pack-folder " + t.folder.path() + "/packs"}};
  for (auto& flag : same.lines)
    CHECK(succeeded("train_miniplaces", start + split(flag)).out == usual);
  // Other ways to the same result, up to rounding.
  const Flags close{{"--conv im2col", "--use-custom-conv"}};
  for (auto& flag : close.lines)
    CHECK(succeeded("train_miniplaces", start + split(flag)).err == "");

  const Flags unused{
      {"--epochs 3",        "--iterations 3",   "--limit 1",        "--augment none",
       "--normalize data",  "--batch-size 2",   "--optimizer adam", "--lr 1",
       "--learning-rate 1", "--momentum 0.1",   "--nesterov",       "--wd 1",
       "--weight-decay 1",  "--no-decay-norms", "--schedule step",  "--warmup 1",
       "--clip-grad 1",     "--accumulate 2",   "--ema 0.5",        "--freeze conv1.*",
       "--print-freq 1",    "--images-on host", "--graph",          "--no-graph",
       "--adversarial pgd", "--out nowhere",    "--overwrite",      "--patience 2",
       "--save-every 3",    "--keep 2",         "--watch-nan",      "--head-lr 0.1",
       "--head-only",       "--half-weights",   "--profile",        "--adversarial-weight 1",
       "--robust-images 5", "--dampening 0.1",  "--beta2 0.5",      "--optimizer-eps 1",
       "--alpha 0.5",       "--centered",       "--adam-lr 1",      "--init xavier",
       "--sync-bn"}};
  for (auto& flag : unused.lines) {
    const Outcome o = succeeded("train_miniplaces", start + split(flag));
    INFO(flag << "\n" << o.err);
    CHECK(o.out == usual);
    CHECK(line_count(o.err) == 1);
    CHECK(o.err.starts_with("note: --"));
  }
  check_complete(
      "train_miniplaces",
      changing.names() + same.names() + close.names() + unused.names() +
          Names{"--resume", "--evaluate", "--attack", "--validation", "--version",
                // In tests of their own.
                "--vis", "--config", "--summary", "--draw", "--use-vit", "--use-resnet18",
                "--start-epoch", "--weights",  // weights_flags_test.cpp
                "--attack-confidence", "--attack-momentum", "--coursework", "--find-lr",
                "--check"});  // find_lr_test.cpp
}

TEST_CASE("What training has no use for is noted") {
  const TrainedNetwork t;
  const Words start = Words{t.data, "--model", t.json, "--out", t.out} +
                      split("--image-size 16 --batch-size 4 --epochs 1 --overwrite");
  auto noted = [&](const std::string& flags, const std::string& what) {
    CHECK(succeeded("train_miniplaces", start + split(flags)).err == "note: " + what + "\n");
  };
  const std::string own_way = ": no effect with --schedule onecycle, which has a way of its own";
  noted("--schedule onecycle --warmup 1", "--warmup" + own_way);
  noted("--schedule onecycle --momentum 0.5", "--momentum" + own_way);
  const Outcome resumed =
      succeeded("train_miniplaces",
                start + split("--resume " + t.out +
                              "/last.safetensors --normalize none --epochs 2 --init xavier"));
  CHECK(resumed.err ==
        "note: --init: no effect with --resume, which goes on as before\n"
        "note: --normalize: no effect with --resume, which goes on as before\n"
        "note: --overwrite: no effect with --resume, which goes on in the run's own folder\n");
  // What a resumed run takes over from its state was not given again.
  CHECK(succeeded("train_miniplaces", split("--epochs 3 --resume " + t.out)).err == "");
}

namespace {
// The last column of the table has other figures each time.
std::string without_times(const std::string& table) {
  return std::regex_replace(table, std::regex("([0-9]\\.[0-9]) +[0-9]+\\.[0-9]\n"), "$1\n");
}
}  // namespace

TEST_CASE("A table of layers needs a size and classes, and says what else it has no use for") {
  const Words start = split("tiny --summary --image-size 32 --classes 3 --model simplenet");
  const Outcome usual = succeeded("train_miniplaces", start);
  CHECK(usual.err == "");
  for (const char* flag : {"--epochs 2", "--device sim", "--attack-eps 1/255", "--out x",
                           "--load-size 99", "--validation nowhere", "--seed 3"}) {
    const Outcome o = succeeded("train_miniplaces", start + split(flag));
    CHECK(without_times(o.out) == without_times(usual.out));
    CHECK(o.err == "note: " + split(flag)[0] + ": no effect with --summary\n");
  }
  TemporaryFolder folder;
  const std::string drawing = folder / "network.svg";
  const Outcome drawn = succeeded("train_miniplaces", start + Words{"--draw", drawing});
  CHECK(drawn.out.ends_with("wrote " + drawing + "\n"));
  CHECK(bytes_of(drawing).starts_with("<svg"));
  CHECK(bytes_of(drawing).find(">conv7<") != std::string::npos);
}

TEST_CASE("Every flag of pgd_attack changes its figures or its file") {
  const TrainedNetwork t;
  const std::string picture = t.folder.path() + "/attack.png";
  const Words start = Words{t.best, t.data, "--out", picture, "--steps", "2"};
  auto attack = [&](const std::string& flags) {
    return succeeded("pgd_attack", start + split(flags));
  };
  const std::string usual = attack("").out;
  CHECK(usual.find("clean     top-1") == 0);
  CHECK(usual.find("  (9 images of 32x32)\nattacked") != std::string::npos);
  CHECK(usual.find("wrote " + picture + ": 8 images of 32x32\n") != std::string::npos);
  CHECK(usual.find("self-test on 9 images of 32x32, top-1") != std::string::npos);

  const Flags changing{{"--image-size 24",        "--load-size 44",   "--seed 5",
                        "--attack-eps 2/255",     "--eps 3/255",      "--attack-step 1/255",
                        "--step 3/255",           "--attack-steps 5", "--steps 6",
                        "--eps-space normalized", "--goal 1",         "--target b",
                        "--no-random-start",      "--attack-norm l2", "--norm l1",
                        "--attack-momentum 0.5",  "--momentum 0.7",   "--attack-restarts 3",
                        "--restarts 4",           "--attack-draws 3", "--attack-method fgsm",
                        "--method deepfool",      "--images 4"}};
  for (auto& flag : changing.lines) {
    INFO(flag);
    CHECK(attack(flag).out != usual);
  }
  const std::string sure = "--method sure --eps 1 --step 0.02 --steps 30 --attack-confidence ";
  CHECK(attack(sure + "0.4").out != attack(sure + "0.5").out);
  CHECK(succeeded("pgd_attack", {t.best, t.data, "--out", picture, "--coursework"}).out ==
        succeeded("pgd_attack", Words{t.best, t.data, "--out", picture} +
                                    split("--eps-space normalized --eps 0.1 --step 0.01 --goal "
                                          "least-likely --no-random-start --steps 10"))
            .out);
  const Flags same{{"--classes 3", "--workers 0", "--threads 2", "--gpu -1", "--device cpu",
                    "--pack", "--pack-folder " + t.folder.path() + "/packs"}};
  for (auto& flag : same.lines) CHECK(attack(flag).out == usual);
  const std::string names = t.folder.path() + "/names.txt";
  write_text(names, "b\na\nc\n");
  // The same weights as somebody else's, normalised otherwise, called otherwise.
  for (auto& flag :
       Words{"--mean 0.1", "--std 0.5", "--model " + t.json, "--classes-file " + names})
    CHECK(attack(flag).out != usual);
  check_complete("pgd_attack", changing.names() + same.names() +
                                   Names{"--out", "--mean", "--std", "--model", "--classes-file",
                                         "--json", "--attack-confidence", "--coursework",
                                         "--compare",    // attack_compare_test.cpp
                                         "--curve",      // in the next test case
                                         "--weights"});  // in foreign_test.cpp, and
                                                         // weights_flags_test.cpp
}

TEST_CASE("Every flag of evaluate changes what it says or writes") {
  const TrainedNetwork t;
  const std::string names = t.folder.path() + "/names.txt", file = t.folder.path() + "/written";
  write_text(names, "b\na\nc\n");
  const auto evaluate = [&](const std::string& flags) {
    return succeeded("evaluate", Words{t.best, t.data} + split(flags)).out;
  };
  const std::string usual = evaluate(""), attacked = evaluate("-a --steps 2");
  CHECK(attacked.starts_with(usual.substr(0, usual.find("Wrong"))));
  const Flags changing{{"--image-size 24", "--load-size 44", "--images 4", "--mean 0.1",
                        "--std 0.5", "--classes-file " + names, "--json", "--attack",
                        "--model " + t.json}};
  for (auto& flag : changing.lines) {
    INFO(flag);
    CHECK(evaluate(flag) != usual);
  }
  const Flags of_attack{{"--seed 5", "--attack-eps 2/255", "--eps 3/255", "--attack-step 1/255",
                         "--step 3/255", "--attack-steps 5", "--eps-space normalized", "--goal 1",
                         "--target b", "--no-random-start", "--attack-norm l2", "--norm l1",
                         "--attack-restarts 3", "--restarts 4", "--attack-draws 3",
                         "--method deepfool"}};
  for (auto& flag : of_attack.lines) {
    INFO(flag);
    CHECK(evaluate("-a --steps 2 " + flag) != attacked);
  }
  // Steps as long as eps, of which many turn back.
  const std::string back = "-a --steps 9 --eps 64/255 --step 64/255";
  CHECK(evaluate(back + " --momentum 1") != evaluate(back));
  CHECK(evaluate(back + " --momentum 1") == evaluate(back + " --attack-momentum 1"));
  const Flags same{{"--classes 3", "--workers 0", "--threads 2", "--gpu -1", "--device cpu",
                    "--pack", "--pack-folder " + t.folder.path() + "/packs"}};
  for (auto& flag : same.lines) CHECK(evaluate(flag) == usual);
  const Flags writing{{"--csv", "--confusion"}};
  for (auto& flag : writing.lines) {
    CHECK(evaluate(flag + " " + file) == usual + "wrote " + file + "\n");
    CHECK(std::filesystem::remove(file));
  }
  const std::string mistaken = "--classes-file " + names;  // a for b, b for a
  CHECK(evaluate(mistaken + " --wrong 1") != evaluate(mistaken));
  CHECK(evaluate("-a --steps 2 --attack-method pgd") == attacked);
  check_complete("evaluate",
                 changing.names() + of_attack.names() + same.names() + writing.names() +
                     Names{"--steps", "--attack-method", "--wrong", "--weights", "--momentum",
                           "--attack-momentum", "--attack-confidence", "--coursework"});
}

TEST_CASE("Several eps and steps give a table and a curve") {
  const TrainedNetwork t;
  const std::string curve = t.folder.path() + "/curve.png";
  const Words start{t.best, t.data, "--out", t.folder.path() + "/p.png", "--curve", curve};
  const Outcome o = succeeded("pgd_attack", start + split("--eps 1/255,8/255 --steps 1,3"));
  CHECK(o.err == "");
  CHECK(o.out.find("    steps        1/255       8/255\n        1 ") != std::string::npos);
  CHECK(o.out.find("wrote " + curve + "\n") != std::string::npos);
  CHECK(decode_image(curve).width > 100);
  // The picture and the self-test are of the last of both; so is one alone.
  CHECK(o.out.find("Linf 8/255, 3 steps of 2.667/255") != std::string::npos);
  const std::string one = succeeded("pgd_attack", start + split("--eps 8/255 --steps 3")).out;
  CHECK(one.find("\nattacked  top-1") != std::string::npos);
  CHECK(one.substr(one.find("self-test")) == o.out.substr(o.out.find("self-test")));
  const std::string noted = run_app("pgd_attack", start + split("--steps 3")).err;
  CHECK(noted == "note: --curve: no effect without several eps or steps, or --compare\n");
}

TEST_CASE("pgd_attack --images N attacks N images, draws and examines no more") {
  const TrainedNetwork t;
  const Words start{t.best, t.data, "--out", t.folder.path() + "/p.png", "--steps", "2"};
  for (auto& [count, said] : std::map<std::string, std::string>{
           {"1", "1 image of 32x32"}, {"5", "5 images of 32x32"}, {"20", "9 images of 32x32"}}) {
    const std::string out = run_app("pgd_attack", start + Words{"--images", count}).out;
    INFO(out);
    const std::regex images("[0-9]+ images? of 32x32");
    Words found;
    for (std::sregex_iterator i(out.begin(), out.end(), images), end; i != end; ++i)
      found.push_back(i->str());
    CHECK(found == Words{said, said, count == "20" ? "8 images of 32x32" : said, said});
  }
}

TEST_CASE("A run's folder stands for its weights, for evaluation, table, attack and maps") {
  const TrainedNetwork t;
  const std::string picture = t.folder.path() + "/p.png";
  auto same = [&](const std::string& app, const Words& before, const Words& after) {
    const Outcome folder = succeeded(app, before + Words{t.out} + after);
    const Outcome file = succeeded(app, before + Words{t.best} + after);
    CHECK(without_times(folder.out) == without_times(file.out));
    CHECK(folder.err == file.err);
  };
  same("train_miniplaces", {t.data, "-e", "--resume"}, {});
  same("train_miniplaces", {"--summary", "--resume"}, {});
  same("pgd_attack", {}, {t.data, "--steps", "1", "--out", picture});
  same("saliency_maps", {}, {t.data, "--out", picture});
  same("classify", {t.photo, "--weights"}, {});
  std::filesystem::remove(t.best);
  CHECK(succeeded("pgd_attack", {t.out, t.data, "--steps", "1", "--out", picture}).code == 0);
  std::filesystem::remove(t.out + "/last.safetensors");
  check_refused(run_app("pgd_attack", {t.out, t.data, "--out", picture}),
                "holds no weights: neither best.safetensors nor last.safetensors");
}

TEST_CASE("What is printed to a closed stdout goes into no file, and is missed") {
  TemporaryFolder folder;
  std::string line = "exec '" + program_path("train_miniplaces") + "'";
  for (auto& word : small_run(folder.path(), {"--epochs", "1"})) line += " '" + word + "'";
  check_refused(run_program({"/bin/sh", "-c", line + " >&-"}), "cannot write to standard output",
                1);
  CHECK(bytes_of(folder / ".lock").find_first_not_of("0123456789\n") == std::string::npos);
}

TEST_CASE("Threads that wait soon sleep, unless the user says otherwise") {
  // How often a thread looks before it sleeps, as OpenMP's library says it at each start.
  auto spins = [&](const std::string& environment) {
    const std::string command = "exec env -u OMP_WAIT_POLICY -u GOMP_SPINCOUNT " + environment +
                                " OMP_DISPLAY_ENV=verbose '" + program_path("classify") +
                                "' --help 2>&1";
    const Outcome o = run_program({"/bin/sh", "-c", command});
    CHECK(o.code == 0);
    Words found;
    const std::regex count("GOMP_SPINCOUNT = '([0-9]+)'");
    for (std::sregex_iterator i(o.out.begin(), o.out.end(), count), end; i != end; ++i)
      found.push_back((*i)[1]);
    return found;
  };
  const Words usual = spins(""), active = spins("OMP_WAIT_POLICY=active");
  REQUIRE(usual.size() == 2);
  CHECK(usual[1] == "3000");
  REQUIRE(active.size() == 1);
  CHECK(active[0] != "0");
}

TEST_CASE("Help that cannot be written, and a photo that is not there, are said") {
  for (const char* app : {"train_miniplaces", "classify"})
    check_refused(
        run_program({"/bin/sh", "-c", "exec '" + program_path(app) + "' --help >/dev/full"}),
        "cannot write to standard output", 1);
  const TrainedNetwork t;
  const Outcome o = run_app("saliency_maps", {t.best, "nowhere/beach.JPG"});
  CHECK(o.code == 2);
  CHECK(o.err.find("skipped nowhere/beach.JPG: cannot be read: No such file") == 0);
}

TEST_CASE("An attack with an eps of 0 leaves every image and figure as it was") {
  const TrainedNetwork t;
  const Outcome o =
      succeeded("pgd_attack", {t.best, t.data, "--out", t.folder.path() + "/p.png", "--eps", "0"});
  std::istringstream lines(o.out);
  std::string clean, attacked;
  std::getline(lines, clean);
  std::getline(lines, attacked);
  CHECK(clean.substr(10) == attacked.substr(10));
  CHECK(o.out.find("eps lets no pixel change") != std::string::npos);
  CHECK(o.err == "");
}

TEST_CASE("Every flag of saliency_maps changes its picture, or is refused") {
  const TrainedNetwork t;
  const std::string picture = t.folder.path() + "/maps.png", other = t.folder.path() + "/other.png";
  write_photo(other, 2);
  auto draw = [&](const Words& words) {
    const Outcome o = succeeded("saliency_maps", Words{t.best} + words + Words{"--out", picture});
    CHECK(o.err == "");
    return o.out.substr(o.out.rfind("wrote"));  // behind the likeliest classes
  };
  CHECK(draw({t.data}) == "wrote " + picture + ": 9 images of 32x32\n");
  const std::string all = bytes_of(picture);
  CHECK(draw({t.data, "--count", "2"}) == "wrote " + picture + ": 2 images of 32x32\n");
  CHECK(bytes_of(picture) != all);
  CHECK(draw({t.photo}) == "wrote " + picture + ": 1 image of 32x32\n");
  CHECK(draw({t.photo, other}) == "wrote " + picture + ": 2 images of 32x32\n");
  for (const char* flag : {"--threads=2", "--gpu=-1", "--device=cpu"}) {
    draw({t.data, flag});
    CHECK(bytes_of(picture) == all);
  }
  auto refused = [&](const Words& words, const std::string& what) {
    check_refused(run_app("saliency_maps", Words{t.best} + words), what);
  };
  refused({t.photo, "--count", "3"}, "--count belongs to DATA");
  refused({t.photo, "--seed", "3"}, "--seed belongs to tiny");
  refused({t.data, "--seed", "3"}, "--seed belongs to tiny");
  refused({t.photo, t.data}, "give one DATA, or image files");
  refused({t.photo, "--out", t.out}, "--out names a file");
  const std::string names = t.folder.path() + "/names.txt";
  write_text(names, "x\ny\nz\n");
  draw({t.photo});
  const std::string one = bytes_of(picture);
  const Flags changing{{"--mean 0.1", "--std 0.5", "--resize 34", "--resize 40x40", "--crop 24",
                        "--classes-file " + names}};
  for (auto& flag : changing.lines) {
    INFO(flag);
    draw(Words{t.photo} + split(flag));
    CHECK(bytes_of(picture) != one);
  }
  check_complete(
      "saliency_maps",
      changing.names() +
          Names{"--out", "--count", "--threads", "--gpu", "--device", "--seed", "--model",
                "--json",  // these two in foreign_test.cpp
                "--weights"} +
          Names{"--method", "--layer", "--target", "--colors", "--score",  // maps_test.cpp
                "--baseline", "--steps", "--samples", "--noise", "--window", "--stride",
                "--check"});
}

TEST_CASE("Every flag of inspect is tested in maps_test.cpp") {
  check_complete(
      "inspect",
      Names{"--weights", "--filters", "--maps",         "--layers", "--channels",   "--classes",
            "--steps",   "--rate",    "--decay",        "--jitter", "--blur-every", "--seed",
            "--out",     "--model",   "--classes-file", "--mean",   "--std",        "--resize",
            "--crop",    "--device",  "--threads",      "--gpu"});
}

TEST_CASE("Every flag of classify changes its answers") {
  const TrainedNetwork t;
  const std::string names = t.folder.path() + "/names.txt";
  std::ofstream(names) << "x\ny\nz\n";
  const Words start{t.photo, "--weights", t.best};
  const std::string usual = succeeded("classify", start).out;
  const Flags changing{{"--top 1", "--resize 32", "--resize 36x36", "--crop 24", "--mean 0.1",
                        "--std 0.5,1/2,0.3", "--classes-file " + names, "--model " + t.json}};
  for (auto& flag : changing.lines) {
    INFO(flag);
    CHECK(succeeded("classify", start + split(flag)).out != usual);
  }
  const Flags same{{"--threads 2", "--gpu -1", "--device cpu"}};
  for (auto& flag : same.lines) CHECK(succeeded("classify", start + split(flag)).out == usual);
  check_complete("classify", changing.names() + same.names() +
                                 Names{"--weights", "--json"});  // the last in foreign_test.cpp
}

TEST_CASE("Every flag of tiny_places_sheet changes what it writes, or is refused") {
  TemporaryFolder folder;
  const std::string picture = folder.path() + "/sheet.png", prefix = folder.path() + "/dump";
  auto sheet = [&](const std::string& flags) {
    const auto o = succeeded("tiny_places_sheet", Words{"--out", picture} + split(flags));
    return o.out + bytes_of(picture);
  };
  const std::string small = "--size 8 --per-class 2", usual = sheet(small);
  CHECK(usual.find(": 10 rows of 2 images of 8x8, in order") != std::string::npos);
  const Flags changing{{"--size 16", "--per-class 3", "--classes 3", "--seed 1"}};
  for (auto& flag : changing.lines) CHECK(sheet(small + " " + flag) != usual);

  auto dump = [&](const std::string& flags) {
    succeeded("tiny_places_sheet",
              Words{"--dump", prefix} + split("--size 8 --train 2 --val 1 " + flags));
    return bytes_of(prefix + ".train.images") + bytes_of(prefix + ".val.images");
  };
  CHECK(dump("").size() == 10 * 3 * 8 * 8 * 3);
  CHECK(dump("--train 3").size() == 10 * 4 * 8 * 8 * 3);
  CHECK(dump("--val 3").size() == 10 * 5 * 8 * 8 * 3);
  CHECK(dump("--classes 2").size() == 2 * 3 * 8 * 8 * 3);
  CHECK(dump("--workers 1") == dump(""));

  auto refused = [&](const std::string& flags, const std::string& what) {
    check_refused(run_app("tiny_places_sheet", split(flags)), what);
  };
  for (const char* flag : {"--train", "--val", "--workers"})
    refused(flag + std::string(" 2"), flag + std::string(" belongs to --dump"));
  refused("--dump " + prefix + " --out x.png", "--out does not go with --dump");
  refused("--dump " + prefix + " --per-class 3", "--per-class does not go with --dump");
  refused("--size 2048 --per-class 1000", "wider than a sheet may be");
  refused("--classes 99", "cannot take 99 classes");
  refused("--out /proc/nowhere/x.png", "/proc/nowhere");
  refused("extra", "extra");
  check_complete("tiny_places_sheet",
                 changing.names() + Names{"--out", "--dump", "--train", "--val", "--workers"});
}
