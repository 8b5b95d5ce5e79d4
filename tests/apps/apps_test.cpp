// The apps as processes: what they print, write and exit with, given good and bad arguments.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

#include "apps/paths.h"
#include "data/image.h"
#include "nn/initialize.h"
#include "nn/models/models.h"
#include "record/checkpoint.h"
#include "record/metrics.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"
#include "tests/support.h"
#include "tests/temporary_folder.h"

using namespace tweed;
namespace fs = std::filesystem;

namespace {

// A checkpoint that took a second to make.
struct Trained {
  TemporaryFolder folder;
  std::string best = folder.path() + "/best.safetensors";
  Trained() { REQUIRE(train(folder.path(), {"--epochs", "1"}).code == 0); }
};

}  // namespace

TEST_CASE("A run leaves checkpoints, metrics and curves, and says so") {
  TemporaryFolder folder;
  Outcome o = train(folder.path(), {"--epochs", "2"});
  INFO(o.err);
  REQUIRE(o.code == 0);
  CHECK(o.err == "");
  CHECK(o.out.find("Epoch 2/2") != std::string::npos);
  CHECK(o.out.find("peak memory") != std::string::npos);
  for (const char* name : {"best.safetensors", "last.safetensors", "last.state.safetensors",
                           "metrics.jsonl", "curves.png"})
    CHECK(fs::exists(folder.path() + "/" + name));
  Checkpoint c = load_checkpoint(folder.path() + "/last.safetensors");
  CHECK(c.info.epoch == 2);
  CHECK(c.info.image_size == 16);
  CHECK(c.info.classes.size() == 3);
}

TEST_CASE("The same seed gives the same bytes, whatever the number of loading threads") {
  TemporaryFolder a, b, c;
  REQUIRE(train(a.path(), {"--epochs", "2", "--model", "simplenet_bn"}).code == 0);
  REQUIRE(train(b.path(), {"--epochs", "2", "--model", "simplenet_bn", "--workers", "0"}).code ==
          0);
  REQUIRE(train(c.path(), {"--epochs", "2", "--model", "simplenet_bn", "--seed", "1"}).code == 0);
  for (const char* name : {"/last.safetensors", "/best.safetensors", "/last.state.safetensors"})
    CHECK(bytes_of(a.path() + name) == bytes_of(b.path() + name));
  CHECK(bytes_of(a.path() + "/last.safetensors") != bytes_of(c.path() + "/last.safetensors"));
}

namespace {
// A run stopped by a signal in its third epoch, then resumed, leaves the files of `whole`.
void check_resumed(const std::string& whole, const Words& run, int signal) {
  TemporaryFolder parts;
  Running running(app_command("train_miniplaces") + small_run(parts.path(), run));
  REQUIRE(running.wait_for("Epoch 2/6  train"));
  REQUIRE(running.wait_for("Epoch 3/6 ["));
  running.send(signal);
  Outcome stopped = running.finish();
  CHECK(stopped.code == (signal == SIGINT ? 130 : 128 + SIGKILL));
  std::string last = parts.path() + "/last.safetensors";
  CHECK(load_checkpoint(last).info.epoch == 2);  // whole

  Words again = run;
  again.insert(again.end(), {"--resume", last});
  Outcome o = train(parts.path(), again);
  INFO(o.err);
  REQUIRE(o.code == 0);
  for (const char* name :
       {"/last.safetensors", "/best.safetensors", "/last.state.safetensors", "/metrics.jsonl"})
    CHECK(bytes_of(whole + name) == bytes_of(parts.path() + name));
}
}  // namespace

TEST_CASE("A run that was stopped and resumed ends with the bytes of one that was not") {
  TemporaryFolder whole;
  Words run{"--epochs", "6", "--model", "simplenet_bn", "--limit", "40", "--print-freq", "1"};
  REQUIRE(train(whole.path(), run).code == 0);
  for (int signal : {SIGINT, SIGKILL}) check_resumed(whole.path(), run, signal);
}

TEST_CASE("So does one with AdamW, one cycle, parts of batches, an average and frozen layers") {
  TemporaryFolder whole;
  const Words run = split(
      "--epochs 6 --model simplenet_bn --limit 40 --print-freq 1 --optimizer adamw --lr 0.01 "
      "--schedule onecycle --ema 0.9 --accumulate 2 --freeze conv1.* --freeze bn1.* --clip-grad 1 "
      "--no-decay-norms");
  Outcome o = train(whole.path(), run);
  INFO(o.err);
  REQUIRE(o.code == 0);
  check_resumed(whole.path(), run, SIGINT);

  const std::string last = whole.path() + "/last.safetensors";
  const SafeTensors state = read_safetensors(whole.path() + "/last.state.safetensors"),
                    weights = read_safetensors(last);
  CHECK(state.tensors.count("optimizer.exp_avg.conv2.weight") == 1);
  CHECK(state.tensors.count("optimizer.exp_avg.conv1.weight") == 0);  // frozen
  CHECK(same_bits(weights.tensors.at("conv2.weight"), state.tensors.at("ema.conv2.weight")));
  const auto fresh = make_model("simplenet_bn", {.classes = 3})->state();
  CHECK(same_bits(weights.tensors.at("bn1.weight"), fresh[1].tensor));
  CHECK(same_bits(weights.tensors.at("conv1.weight"), to_file_axes(fresh[0].tensor)));
  check_refused(train(whole.path(), {"--limit", "40", "--optimizer", "sgd", "--resume", last}),
                "with optimizer");
}

TEST_CASE("A run starts from the initial weights that it is told") {
  TemporaryFolder folder;
  const Outcome o =
      train(folder.path(), split("--epochs 1 --model simplenet_bn --init orthogonal --seed 4 "
                                 "--freeze conv3.*"));
  INFO(o.err);
  REQUIRE(o.code == 0);
  auto network = make_model("simplenet_bn", {.classes = 3, .seed = 4, .image_size = 16});
  initialize_weights(*network, "orthogonal", 4);
  CHECK(same_bits(read_safetensors(folder.path() + "/last.safetensors").tensors.at("conv3.weight"),
                  to_file_axes(network->find("conv3").parameters()[0].tensor)));
  check_refused(train(folder.path(), {"--init", "zero"}), "takes kaiming, xavier, orthogonal");
  check_refused(train(folder.path(), {"--init", "xavier", "--weights", "x"}),
                "--init goes without --weights");
}

TEST_CASE("Every optimizer lowers the loss, and every schedule ends where it should") {
  const std::pair<const char*, double> runs[] = {
      {"--nesterov", 1e-8},
      {"--schedule step", 0.003 * 0.01},
      {"--optimizer adam --schedule constant", 0.003},
      {"--optimizer adamw --schedule onecycle", 0.003 / 25 / 10'000},
      {"--momentum 0.5 --dampening 0.5", 1e-8},
      {"--optimizer rmsprop --alpha 0.9 --centered --optimizer-eps 1e-3", 1e-8},
      {"--optimizer lion --beta2 0.95 --lr 0.0003", 1e-8},
      {"--optimizer muon --adam-lr 0.001 --schedule onecycle", 0.003 / 25 / 10'000}};
  for (auto& [flags, last_rate] : runs) {
    TemporaryFolder folder;
    Outcome o =
        train(folder.path(),
              split("--epochs 3 --limit 20 --model simplenet_bn --lr 0.003 " + std::string(flags)));
    INFO(flags << o.err);
    REQUIRE(o.code == 0);
    const auto losses = read_metric(folder.path() + "/metrics.jsonl", "train_loss");
    REQUIRE(losses.size() == 3);
    CHECK(losses[2] < losses[0]);
    CHECK(read_metric(folder.path() + "/metrics.jsonl", "lr")[2] == Approx(last_rate));
  }
}

TEST_CASE("sim takes the same step as cpu, to five digits, with im2col's matrix or without") {
  TemporaryFolder a, b;
  Words run{"--epochs", "1", "--batch-size", "2", "--limit", "1", "--classes", "2"};
  Outcome on_cpu = train(a.path(), run);
  REQUIRE(on_cpu.code == 0);
  CHECK(on_cpu.out.find("conv 3->64") == std::string::npos);
  auto loss = [](const std::string& folder) {
    std::string text = bytes_of(folder + "/metrics.jsonl");
    return std::stod(text.substr(text.find("train_loss") + 12));
  };
  for (const std::string conv : {"auto", "implicit"}) {
    Words on_sim = run;
    on_sim.insert(on_sim.end(), {"--device", "sim", "--conv", conv, "--overwrite"});
    Outcome o = train(b.path(), on_sim);
    INFO(o.err << o.out);
    REQUIRE(o.code == 0);
    CHECK(loss(a.path()) == Approx(loss(b.path())).epsilon(1e-5));
    const std::string stem = "\nconv 3->64 7x7/2 at 16x16: forward ";
    CHECK(o.out.find(stem + (conv == "auto" ? "" : conv)) != std::string::npos);
  }
}

TEST_CASE("Where images wait and whether steps are recorded change nothing; bf16 changes little") {
  TemporaryFolder wanted, other;
  const Words run =
      split("--epochs 2 --batch-size 3 --limit 2 --classes 3 --model conv_only --image-size 32");
  auto with = [&](const std::string& folder, const std::string& flags) {
    Words words = run, more = split(flags);
    words.insert(words.end(), more.begin(), more.end());
    Outcome o = train(folder, words);
    INFO(flags << o.err);
    REQUIRE(o.code == 0);
  };
  auto losses = [](const std::string& folder) {
    return read_metric(folder + "/metrics.jsonl", "train_loss");
  };
  with(wanted.path(), "--images-on host");
  with(other.path(), "--images-on device --no-graph");
  CHECK(bytes_of(other.path() + "/last.state.safetensors") ==
        bytes_of(wanted.path() + "/last.state.safetensors"));
  with(other.path(), "--precision bf16 --overwrite");
  CHECK(losses(other.path()).back() == Approx(losses(wanted.path()).back()).epsilon(0.05));
  // Files hold the float32 masters.
  const auto weights = read_safetensors(other.path() + "/last.safetensors");
  CHECK(weights.tensors.at("conv1.weight").dtype() == DType::float32);
  CHECK(run_app("train_miniplaces",
                {"tiny", "--evaluate", "--resume", other.path() + "/last.safetensors"})
            .code == 0);
}

TEST_CASE("Evaluation, saliency and attack run on a checkpoint") {
  Trained trained;
  std::string out = trained.folder.path();
  Outcome e = run_app("train_miniplaces",
                      {"tiny", "--resume", trained.best, "-e", "-a", "-v", "--out", out});
  INFO(e.err);
  CHECK(e.code == 0);
  CHECK(e.out.find("image and mirror image:") != std::string::npos);
  CHECK(e.out.find("attacked:") != std::string::npos);
  CHECK(decode_image(out + "/attack.png").width > 100);
  CHECK(decode_image(out + "/saliency.png").width > 100);

  Outcome s = run_app("saliency_maps", {trained.best, "tiny", "--out", out + "/maps.png"});
  CHECK(s.code == 0);
  write_png(out + "/photo.png", {40, 60, std::vector<uint8_t>(40 * 60 * 3, 90)});
  CHECK(run_app("saliency_maps", {trained.best, out + "/photo.png", "--out", out + "/one.png"})
            .code == 0);
  CHECK(decode_image(out + "/one.png").width > 100);

  Outcome p =
      run_app("pgd_attack", {trained.best, "tiny", "--images", "100", "--out", out + "/p.png"});
  CHECK(p.out.find("clean") != std::string::npos);
  CHECK(p.out.find("attacked") != std::string::npos);
  CHECK(p.out.find("self-test") != std::string::npos);
  CHECK(decode_image(out + "/p.png").width > 100);
}

TEST_CASE("Adversarial training runs") {
  TemporaryFolder folder;
  Outcome o = train(folder.path(), {"--epochs", "1", "--adversarial", "pgd", "--attack-steps", "2",
                                    "--attack-eps", "4/255"});
  INFO(o.err);
  CHECK(o.code == 0);
}

TEST_CASE("The coursework's flags are understood") {
  TemporaryFolder folder;
  Outcome o = run_app("train_miniplaces", {"tiny",
                                           "--image-size",
                                           "16",
                                           "--limit",
                                           "4",
                                           "--classes",
                                           "2",
                                           "--epochs=1",
                                           "--start-epoch",
                                           "0",
                                           "-j",
                                           "1",
                                           "-b",
                                           "4",
                                           "-p",
                                           "1",
                                           "--learning-rate",
                                           "0.01",
                                           "--weight-decay",
                                           "1e-4",
                                           "--use-custom-conv",
                                           "--gpu",
                                           "-1",
                                           "--out",
                                           folder.path()});
  INFO(o.err);
  CHECK(o.code == 0);
}

TEST_CASE("A network from a JSON file lives on in its checkpoint") {
  TemporaryFolder folder;
  const std::string net = folder.path() + "/net.json", best = folder.path() + "/best.safetensors",
                    last = folder.path() + "/last.safetensors";
  fs::copy_file(source_path("docs/examples/network.json"), net);
  Outcome o = train(folder.path(), {"--epochs", "1", "--model", net});
  INFO(o.err);
  REQUIRE(o.code == 0);
  CHECK(o.out.find("net.json: ") != std::string::npos);
  CHECK(bytes_of(last).find(folder.path()) == std::string::npos);
  CHECK(load_checkpoint(last).info.description == bytes_of(net));
  CHECK(train(folder.path(), {"--epochs", "2", "--resume", last, "--model", net}).code == 0);
  write_text(net, "{\"layers\": [{\"type\": \"Flatten\"}]}");
  check_refused(train(folder.path(), {"--resume", last, "--model", net}), "another network");

  fs::remove(net);
  CHECK(train(folder.path(), {"--epochs", "3", "--resume", last}).code == 0);
  CHECK(load_checkpoint(last).info.epoch == 3);
  CHECK(train(folder.path(), {"--evaluate", "--resume", best}).code == 0);
  CHECK(train(folder.path(), {"--summary", "--resume", best}).out.find("Mish") !=
        std::string::npos);
  CHECK(run_app("saliency_maps", {best, "tiny", "--count", "1", "--out", folder.path() + "/s.png"})
            .code == 0);
  check_refused(train(folder.path(), {"--model", net}), "net.json: cannot be read: No such file");
  write_text(net, "{\"layers\": [{\"type\": \"Conv2d\"}]}");
  check_refused(train(folder.path(), {"--model", net}), "layer 0 (Conv2d) has no 'in_channels'");
}

TEST_CASE("A network's table is printed for the data's classes and size") {
  auto table = [](const Words& more) {
    Words words{"tiny", "--summary"};
    words.insert(words.end(), more.begin(), more.end());
    Outcome o = run_app("train_miniplaces", words);
    INFO(o.err);
    CHECK(o.code == 0);
    return o.out;
  };
  CHECK(table({}).starts_with("simplenet on (1, 128, 128, 3)\n"));
  const std::string small = table({"--use-resnet18", "--image-size", "32", "--classes", "3"});
  CHECK(small.find("on (1, 32, 32, 3)\n") != std::string::npos);
  CHECK(small.find("(1, 3)") != std::string::npos);
  CHECK(small.find("11,178,051") != std::string::npos);
  check_refused(run_app("train_miniplaces", {"--use-resnet18", "--model", "simplenet"}), "exclude");
  check_refused(run_app("train_miniplaces", {"--use-resnet18", "--use-vit"}), "exclude");
}

TEST_CASE("Wrong flags are refused in one line, with exit code 2") {
  TemporaryFolder folder;
  const std::string out = folder.path();
  check_refused(train(out, {"--epochs", "0"}), "--epochs");
  check_refused(train(out, {"--no-such-flag"}), "--no-such-flag");
  check_refused(train(out, {"--model", "resnet9000"}), "no model 'resnet9000'; there are ");
  check_refused(train(out, {"--device", "tpu"}), "no device 'tpu'");
  check_refused(train(out, {"--precision", "tf32"}), "tf32 is a way in which GPUs multiply");
  check_refused(train(out, {"--precision", "f16"}), "--precision");
  check_refused(train(out, {"--conv", "fft"}), "no convolution 'fft'");
  check_refused(train(out, {"--conv", "direct", "--device", "sim"}), "'direct' works on cpu");
  check_refused(train(out, {"--conv", "implicit"}), "'implicit' works on cuda, sim, not on cpu");
  check_refused(train(out, {"--evaluate"}), "--resume");
  check_refused(train(out, {"--optimizer", "adam", "--nesterov"}), "--nesterov belongs");
  check_refused(train(out, {"--optimizer", "adam", "--dampening", "0"}),
                "--dampening belongs to --optimizer sgd");
  check_refused(train(out, {"--beta2", "0.9"}),
                "--beta2 belongs to --optimizer adam, adamw, lion, muon");
  check_refused(train(out, {"--optimizer-eps", "1"}),
                "--optimizer-eps belongs to --optimizer adam, adamw, rmsprop, muon");
  check_refused(train(out, {"--alpha", "0.9"}), "--alpha belongs to --optimizer rmsprop");
  check_refused(train(out, {"--centered"}), "--centered belongs to --optimizer rmsprop");
  check_refused(train(out, {"--adam-lr", "1"}), "--adam-lr belongs to --optimizer muon");
  check_refused(train(out, {"--nesterov", "--dampening", "0.5"}),
                "--nesterov goes without --dampening");
  check_refused(train(out, {"--accumulate", "3"}), "does not divide the batch of 8");
  check_refused(train(out, {"--freeze", "conv99.*"}), "fits 'conv99.*'");
  check_refused(train(out, {"--freeze", "*"}), "no parameters that require gradients");
  check_refused(train(out, {"-a"}), "--adversarial");
  check_refused(train(out, {"--classes", "bridge,nowhere"}), "nowhere");
  check_refused(train(out, {"--attack-eps", "8/0", "--adversarial", "pgd"}), "8/0");
  check_refused(train(out, {"--batch-size", "5000"}), "fewer than a batch");
  check_refused(train(out, {"--resume", out + "/none.safetensors"}), "none.safetensors");
  CHECK(run_app("train_miniplaces", {"--help"}).code == 0);
  CHECK(run_app("train_miniplaces", {"--version"}).out.find("Tweed") != std::string::npos);
}

TEST_CASE("Bad data is refused in one line, with exit code 2") {
  TemporaryFolder folder;
  const std::string root = folder.path() + "/data", out = folder.path() + "/out";
  auto train_on = [&](const std::string& data) {
    return run_app("train_miniplaces", {data, "--image-size", "16", "--batch-size", "2", "--epochs",
                                        "1", "--overwrite", "--out", out});
  };
  check_refused(train_on(folder.path() + "/nowhere"), "nowhere");
  fs::create_directories(root);
  check_refused(train_on(root), root);  // an empty folder

  Image image{20, 20, std::vector<uint8_t>(20 * 20 * 3, 100)};
  for (const char* split : {"train", "val"})
    for (const char* name : {"a", "b"}) {
      fs::create_directories(root + "/" + split + "/" + name);
      for (int i = 0; i < 4; ++i)
        write_png(root + "/" + split + "/" + name + "/" + std::to_string(i) + ".png", image);
    }
  Outcome fine = train_on(root);
  INFO(fine.err);
  CHECK(fine.code == 0);
  write_text(root + "/train/a/text.jpg", "this is no image");
  Outcome damaged = train_on(root);  // one of nine is more than one in a hundred
  CHECK(damaged.code == 2);
  CHECK(damaged.err.find("text.jpg") != std::string::npos);

  std::string places = folder.path() + "/places";
  fs::create_directories(places + "/images/train/a/abbey");
  write_png(places + "/images/train/a/abbey/1.png", image);
  write_text(places + "/categories.txt", "/a/abbey 0\n");
  write_text(places + "/train.txt", "train/a/abbey/1.png 7\n");
  write_text(places + "/val.txt", "train/a/abbey/1.png 0\n");
  check_refused(train_on(places), "train.txt");
}

TEST_CASE("A damaged checkpoint is refused in one line, with exit code 2") {
  Trained trained;
  std::string bytes = bytes_of(trained.best),
              broken = trained.folder.path() + "/broken.safetensors";
  for (std::size_t size : {std::size_t(0), std::size_t(5), std::size_t(200), bytes.size() - 1}) {
    std::ofstream(broken, std::ios::binary) << bytes.substr(0, size);
    check_refused(run_app("saliency_maps", {broken, "tiny"}), "broken.safetensors");
    check_refused(run_app("pgd_attack", {broken, "tiny"}), "broken.safetensors");
    check_refused(run_app("train_miniplaces", {"tiny", "-e", "--resume", broken}),
                  "broken.safetensors");
  }
  write_text(broken, "hello");
  check_refused(run_app("saliency_maps", {broken, "tiny"}), "broken.safetensors");
}

TEST_CASE("An output folder that cannot be written to is refused before the work") {
  check_refused(train("/proc/nowhere"), "/proc/nowhere");
  TemporaryFolder folder;
  write_text(folder.path() + "/file", "");
  check_refused(train(folder.path() + "/file/out"), "file/out");
}

TEST_CASE("A full disk ends the run with exit code 1 and one line; what was whole stays whole") {
  Trained trained;
  std::string before = bytes_of(trained.best);
  // A limit on file sizes stands in for a full disk: both make write() fail.
  std::string command = "ulimit -f 20; exec '" + program_path("train_miniplaces") + "'";
  for (auto& word :
       small_run(trained.folder.path(), {"--epochs", "1", "--seed", "5", "--overwrite"}))
    command += " '" + word + "'";
  check_refused(run_program({"/bin/bash", "-c", command}), "cannot be written", 1);
  CHECK(bytes_of(trained.best) == before);
  for (auto& entry : fs::directory_iterator(trained.folder.path()))
    CHECK(entry.path().string().find("partial") == std::string::npos);
}

TEST_CASE("A loss that is not finite ends a run, which names its convolutions") {
  TemporaryFolder folder;
  Outcome o = train(folder.path(), {"--lr", "1e30", "--epochs", "3", "--conv", "im2col"});
  check_refused(o, "no longer finite in epoch", 1);
  check_refused(o, "(convolutions: im2col)", 1);
  // The steps are done once more, to see where it began.
  CHECK(o.out.find("Looking for the operation that made it so, from epoch ") != std::string::npos);
  CHECK(o.err.find(" in its forward pass, of shape ") != std::string::npos);
  CHECK(o.err.find(", in layer conv") != std::string::npos);
  o = train(folder.path(), {"--lr", "1e30", "--epochs", "3", "--watch-nan", "--overwrite"});
  check_refused(o, ", in layer conv", 1);
  CHECK(o.out.find("Looking for") == std::string::npos);
}
