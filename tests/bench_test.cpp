// The benchmarks as processes: what they print and write, never how long anything takes.
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/paths.h"
#include "data/image.h"
#include "tests/apps/process.h"
#include "tests/catch.h"
#include "tests/support.h"
#include "tests/temporary_folder.h"

using namespace tweed;

namespace {

const std::string small = "2 9 7 3 5 3 2 1";

Outcome bench(const std::string& program, const std::vector<std::string>& arguments) {
  std::vector<std::string> command{program_path(program)};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_program(command);
}
Outcome conv_bench(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--pairs", "2", "--repeats", "1"});
  return bench("conv_bench", arguments);
}

nlohmann::json read_json(const std::string& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}
std::string read_text(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A program that answers as the PyTorch scripts do, with `answer` to "time" and "step".
std::string fake_python(const TemporaryFolder& folder, const std::string& answer) {
  const std::string path = folder.path() + "/fake_python";
  std::ofstream(path) << "#!/bin/sh\necho 'ready {}'\nwhile read -r word rest; do case $word in\n"
                      << "conv) echo ok;; time|step) echo '" << answer << "';;\n"
                      << "facts) echo '1e-7 -1';; esac; done\n";
  chmod(path.c_str(), 0755);
  return path;
}

void check_refused(const std::vector<std::string>& arguments, const std::string& what) {
  const Outcome o = conv_bench(arguments);
  INFO("stderr: " << o.err);
  CHECK(o.code == 2);
  CHECK(o.err.find(what) != std::string::npos);
  CHECK(std::count(o.err.begin(), o.err.end(), '\n') == 1);
}

}  // namespace

TEST_CASE("conv_bench times each algorithm and pass, and agrees with float64") {
  TemporaryFolder folder;
  for (const Device tested : test_devices())
    for (std::string dtype : {"f32", "bf16"}) {
      const std::string device = tested.name();
      const std::string json = folder.path() + "/" + device + dtype + ".json";
      const Outcome o =
          conv_bench({"--shape", small, "--device", device, "--dtype", dtype, "--json", json});
      INFO(device << " " << dtype << " stderr: " << o.err);
      REQUIRE(o.code == 0);
      CHECK(o.out.find("9x7x3 > 5, 3x3/2, batch 2, 1 layer") != std::string::npos);
      const auto result = read_json(json);
      std::set<std::string> ours, others;
      for (auto& c : result["contenders"]) (c["rival"] ? others : ours).insert(c["name"]);
      CHECK(ours.count("im2col"));
      for (const char* name : {"direct", "tiled"}) CHECK(ours.count(name) == (device == "cpu"));
      CHECK(ours.count("winograd") == (device == "cpu"));
      // float32 is not TF32.
      CHECK(ours.count("mma") == (device != "cpu" && dtype == "bf16"));
      ours.erase("winograd");   // has no windows of stride 2
      ours.erase("depthwise");  // nor this any but those
      CHECK(others.count("oneDNN") == (device == "cpu"));
      std::set<std::pair<std::string, std::string>> seen;
      for (auto& row : result["rows"]) {
        INFO(row);
        seen.emplace(row["contender"].get<std::string>(), row["pass"].get<std::string>());
        CHECK(row["shape"].get<std::string>() == small);
        CHECK(row["ms"] > 0);
        CHECK(row["error"] > 0);
        CHECK(row["error"] < (dtype == "f32" ? 1e-5 : 1e-2));
        // oneDNN has no bf16 on a processor without AVX-512.
        if (device != "cpu" || dtype == "f32")
          CHECK(row["ratio_to_best_rival"].is_null() == (device != "cpu"));
        CHECK(row["operand_sets"] == (device == "cpu" ? 1 : 2));
      }
      for (auto& name : ours)
        for (std::string pass : {"forward", "weight", "input"}) CHECK(seen.count({name, pass}));
      CHECK(result["totals"].size() == seen.size());
    }
}

TEST_CASE("conv_bench times any window, in groups") {
  TemporaryFolder folder;
  const std::string json = folder.path() + "/out.json";
  const Outcome o = conv_bench({"--shape", "1 6 6 4 8 3x2 1x2 1,0,2,1 4 2", "--algorithms",
                                "im2col,depthwise,direct", "--json", json});
  INFO(o.err);
  REQUIRE(o.code == 0);
  CHECK(o.out.find("6x6x4 > 8, 3x2/1x2, dilation 2, 4 groups, batch 1") != std::string::npos);
  std::set<std::string> seen;
  const auto result = read_json(json);
  for (auto& row : result["rows"]) {
    INFO(row);
    CHECK(row["shape"] == "1 6 6 4 8 3x2 1x2 1,0,2,1 4 2");
    CHECK(row["error"] < 1e-5);
    seen.insert(row["contender"].get<std::string>());
  }
  for (const char* name : {"im2col", "depthwise", "direct"}) CHECK(seen.count(name));
  for (std::string wrong : {"1 6 5 4 8 3x 1 1", "1 6 5 4 8 3 1 1 3", "1 6 5 4 8 3 1 1,2 1 1",
                            "1 6 5 4 8 3 1 1 1 1 1", "1 6 5 4 8 9 1 1 1 1"})
    CHECK(conv_bench({"--shape", wrong}).err.find("is no convolution") != std::string::npos);
}

TEST_CASE("conv_bench finds the convolutions of networks") {
  TemporaryFolder folder;
  const std::string json = folder.path() + "/out.json", page = folder.path() + "/out.md";
  const Outcome o = conv_bench({"simplenet:16", "resnet20", "--image-size", "8", "--batch", "2",
                                "--algorithms", "im2col", "--json", json, "--markdown", page});
  INFO(o.err);
  REQUIRE(o.code == 0);
  std::map<std::string, std::map<std::string, int>> layers;  // by network and pass
  std::map<std::string, int> shapes;
  const auto result = read_json(json);
  for (auto& row : result["rows"])
    if (row["contender"] == "im2col") {
      layers[row["network"]][row["pass"]] += row["layers"].get<int>();
      shapes[row["network"]] += row["pass"] == "forward";
    }
  CHECK(layers["simplenet, 16x16"]["forward"] == 7);
  CHECK(layers["simplenet, 16x16"]["input"] == 6);  // nobody needs the first layer's
  CHECK(shapes["simplenet, 16x16"] == 7);
  const int all = layers["resnet20, 8x8"]["weight"];
  CHECK((all == 19 || all == 21));  // without or with convolutions in the shortcuts
  CHECK(shapes["resnet20, 8x8"] < all / 2);
  CHECK(read_text(page).find("| 16x16x3 > 64, 7x7/2 | 1 | forward |") != std::string::npos);
}

TEST_CASE("conv_bench compares with a rival process, and draws") {
  TemporaryFolder folder;
  const std::string json = folder.path() + "/out.json", png = folder.path() + "/out.png";
  const std::vector<std::string> arguments{
      "--shape", small, "--python", fake_python(folder, "1000"), "--device", "sim"};
  auto more = arguments;
  more.insert(more.end(), {"--json", json, "--picture", png});
  const Outcome o = conv_bench(more);
  INFO(o.err);
  REQUIRE(o.code == 0);
  const auto result = read_json(json);
  for (auto& row : result["rows"]) {
    if (row["contender"] == "PyTorch") CHECK(row["ratio_to_best_rival"] == 1);
    if (row["contender"] == "PyTorch") CHECK(row["ms"] == 1e6);
    if (row["contender"] == "im2col")
      CHECK(row["ratio_to_best_rival"].get<double>() ==
            Approx(row["ms"].get<double>() / 1e6).epsilon(0.5));
  }
  CHECK(decode_image(png).width > 300);

  fake_python(folder, "error: no memory");
  const Outcome failed = conv_bench(arguments);
  CHECK(failed.code == 1);
  CHECK(failed.err.find("no memory") != std::string::npos);
}

TEST_CASE("conv_bench asks cuDNN for float32 in both layouts, for bfloat16 in one") {
  TemporaryFolder folder;
  const std::string json = folder.path() + "/out.json", python = fake_python(folder, "1000");
  for (const Device device : test_devices()) {
    if (!device.is_cuda()) continue;
    for (std::string dtype : {"f32", "tf32", "bf16"}) {
      const Outcome o = conv_bench({"--shape", small, "--python", python, "--device", device.name(),
                                    "--dtype", dtype, "--json", json});
      INFO(dtype << " " << o.err);
      REQUIRE(o.code == 0);
      std::vector<std::string> rivals, wanted = {"cuDNN default", "cuDNN best"};
      const auto result = read_json(json);
      for (auto& c : result["contenders"])
        if (c["rival"]) rivals.push_back(c["name"]);
      if (dtype != "bf16") wanted.push_back("cuDNN best NCHW");
      CHECK(rivals == wanted);
    }
  }
}

TEST_CASE("The benchmarks of whole networks end where a GPU is played") {
  TemporaryFolder folder;
  const std::string json = folder.path() + "/out.json";
  for (const Device device : test_devices()) {
    if (device.kind() == Device::Kind::sim) continue;  // they end there, but take their time
    std::vector<std::string> arguments{"--device", device.name(), "--json", json, "--quick"};
    auto more = arguments;
    more.insert(more.end(), {"--model", "conv_only"});
    const Outcome steps = bench("train_bench", more);
    INFO(device.name() << " " << steps.err);
    REQUIRE(steps.code == 0);
    CHECK(read_json(json)["batch_size"] == 2);
    CHECK(read_json(json)["image_size"] == 32);
    arguments.insert(arguments.end(), {"conv_only", "--algorithms", "im2col"});
    const Outcome convolutions = bench("conv_bench", arguments);
    INFO(convolutions.err);
    REQUIRE(convolutions.code == 0);
    const auto result = read_json(json);
    CHECK(result["rows"].size() >= 9);
    for (auto& row : result["rows"]) {
      CHECK(row["network"] == "conv_only, 32x32");
      CHECK(row["shape"].get<std::string>().substr(0, 2) == "1 ");
    }
  }
}

TEST_CASE("train_bench draws the time of an image over batches and sizes") {
  TemporaryFolder folder;
  const std::string picture = folder.path() + "/curves.png";
  const std::vector<std::string> arguments{"--quick", "--curves", picture};
  const Outcome o = bench("train_bench", arguments);
  INFO(o.err);
  REQUIRE(o.code == 0);
  for (auto line : {"   1 images of 32x32: ", "   4 images of 32x32: ", "   2 images of 64x64: "})
    CHECK(o.out.find(line) != std::string::npos);
  CHECK(decode_image(picture).width > 400);
  auto with_rival = arguments;
  with_rival.insert(with_rival.end(), {"--python", "python3"});
  const Outcome wrong = bench("train_bench", with_rival);
  CHECK(wrong.code == 2);
  CHECK(wrong.err.find("--curves goes with none of") != std::string::npos);
}

TEST_CASE("train_bench takes turns with a rival in each mode") {
  TemporaryFolder folder;
  const std::string json = folder.path() + "/out.json";
  const std::vector<std::string> small{"--model",      "conv_only", "--image-size", "32",
                                       "--batch-size", "2",         "--pairs",      "2",
                                       "--steps",      "1"};
  auto run = [&](std::vector<std::string> more) {
    more.insert(more.end(), small.begin(), small.end());
    return bench("train_bench", more);
  };
  const Outcome o =
      run({"--python", fake_python(folder, "1000"), "--modes", "eager,compiled", "--json", json});
  INFO(o.err);
  REQUIRE(o.code == 0);
  const auto result = read_json(json);
  CHECK(result["ms"] > 0);
  REQUIRE(result["rivals"].size() == 4);
  CHECK(result["rivals"][1]["name"].get<std::string>() == "eager, as shipped");
  CHECK(result["rivals"][2]["name"].get<std::string>() == "compiled, malloc tuned");
  for (auto& rival : result["rivals"]) CHECK(rival["ms"] == 1000);
  const Outcome wrong = run({"--modes", "graph"});
  CHECK(wrong.code == 2);
  CHECK(wrong.err.find("for cuda") != std::string::npos);
}

TEST_CASE("infer_bench takes turns with PyTorch and onnxruntime") {
  TemporaryFolder folder;
  const std::string json = folder.path() + "/out.json";
  const std::vector<std::string> small{"--model",   "conv_only", "--image-size", "32",
                                       "--classes", "10",        "--pairs",      "2",
                                       "--steps",   "1"};
  auto run = [&](std::vector<std::string> more) {
    more.insert(more.end(), small.begin(), small.end());
    return bench("infer_bench", more);
  };
  const Outcome o = run({"--python", fake_python(folder, "1000"), "--json", json});
  INFO(o.err);
  REQUIRE(o.code == 0);
  const auto result = read_json(json);
  CHECK(result["ms"] > 0);
  REQUIRE(result["rivals"].size() == 4);
  CHECK(result["rivals"][0]["name"].get<std::string>() == "pytorch, malloc tuned");
  CHECK(result["rivals"][3]["name"].get<std::string>() == "onnxruntime, as shipped");
  for (auto& rival : result["rivals"]) CHECK(rival["ms"] == 1000);
  const Outcome wrong = run({"--python", "/bin/true", "--device", "sim"});
  CHECK(wrong.code == 2);
  CHECK(wrong.err.find("the cpu alone") != std::string::npos);
}

TEST_CASE("kernel_bench runs every kernel") {
  TemporaryFolder folder;
  std::map<std::string, std::set<std::string>> names;  // by device
  for (const Device tested : test_devices()) {
    const std::string device = tested.name(), json = folder.path() + "/" + device + ".json";
    const Outcome o =
        bench("kernel_bench", {"--quick", "--repeats", "1", "--device", device, "--json", json});
    INFO(o.err);
    REQUIRE(o.code == 0);
    const auto result = read_json(json);
    CHECK(result["copy_gb_s"] > 0);
    for (auto& kernel : result["kernels"]) {
      INFO(kernel);
      names[device].insert(kernel["name"].get<std::string>());
      CHECK(kernel["ms"] > 0);
      CHECK(kernel[kernel.contains("mb") ? "share_of_copy" : "share_of_peak"] > 0);
      CHECK(o.out.find(kernel["name"].get<std::string>() + " ") != std::string::npos);
    }
  }
  const auto first = names.begin()->second;
  for (auto& [device, own] : names) {
    CHECK(own.size() > 100);
    CHECK(own.count("softmax backward"));
    CHECK(own.size() == first.size());
  }
  CHECK(bench("kernel_bench", {"--repeats", "0"}).code == 2);
  CHECK(bench("kernel_bench", {"--json", "/proc/none/out.json"}).code == 2);
}

TEST_CASE("conv_bench says what is wrong") {
  check_refused({}, "nothing to time");
  check_refused({"--shape", "1 2 3"}, "is no convolution");
  check_refused({"--shape", "1 2 2 3 4 5 1 0"}, "is no convolution");
  check_refused({"nonet"}, "no model 'nonet'");
  check_refused({"simplenet:9999"}, "sizes are from 8 to 1024");
  check_refused({"--shape", small, "--algorithms", "fast"}, "no convolution 'fast'");
  check_refused({"--shape", small, "--algorithms", "direct", "--device", "sim"}, "sim has no");
  check_refused({"--shape", small, "--dtype", "f16"}, "--dtype");
  check_refused({"--shape", small, "--json", "/proc/none/out.json"}, "/proc/none");
  check_refused({"--shape", small, "--python", "/none/python"}, "does not start");
  check_refused({"--shape", small, "--python", "/bin/false"}, "ended before it was ready");
  check_refused({"--shape", small, "--device", "sim", "--picture", "out.png"}, "--python");
}
