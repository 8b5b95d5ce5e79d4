// --weights: what apps start from, and what training does with it.
#include <filesystem>

#include "apps/paths.h"
#include "nn/head.h"
#include "nn/models/models.h"
#include "record/checkpoint.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"
#include "tests/support.h"

using namespace tweed;

namespace {

// Weights of seven classes, as somebody else would leave them.
std::string put_weights(const TemporaryFolder& folder, const std::string& prefix = "") {
  SafeTensors file;
  for (auto& [name, t] : make_model("resnet20", {.classes = 7, .seed = 5})->state())
    file.tensors[prefix + name] = to_file_axes(t);
  const std::string path = folder / (prefix + "weights.safetensors");
  write_safetensors(path, file);
  return path;
}

// Every tensor of a checkpoint that is not the file's (but for a bias of 1e-30 in the place of 0),
// but for counts of batches.
Words changed(const std::string& checkpoint, const std::string& weights) {
  const SafeTensors now = read_safetensors(checkpoint), before = read_safetensors(weights);
  Words names;
  for (auto& [name, t] : now.tensors)
    if (t.shape() != before.tensors.at(name).shape() ||
        difference(t.to_doubles(), before.tensors.at(name).to_doubles(), 1e-20) != "")
      if (!name.ends_with("num_batches_tracked")) names.push_back(name);
  return names;
}

const Words quick{"--image-size", "16", "--batch-size", "4", "--epochs", "1", "--warmup", "0"};

}  // namespace

TEST_CASE("training starts from weights, with a last layer of its own") {
  TemporaryFolder folder;
  write_data(folder / "data");
  const std::string weights = put_weights(folder), out = folder / "out",
                    last = out + "/last.safetensors";
  const Words start{folder / "data", "--weights", weights, "--model", "resnet20", "--out", out};
  const Outcome o = succeeded("train_miniplaces", start + quick + Words{"--head-only"});
  CHECK_THAT(o.out,
             Contains(weights + ": loaded 114 of 116 tensors; linear is new (7 -> 3 classes)"));
  CHECK(changed(last, weights) == Words{"linear.bias", "linear.weight"});
  CHECK(read_safetensors(last).tensors.at("linear.bias").size() == 3);

  // A rate of 1e-30 leaves every weight as it is but the head's, which has one of its own.
  const Words slow{"--overwrite", "--lr", "1e-30", "--weight-decay", "0", "--schedule", "constant"};
  succeeded("train_miniplaces", start + quick + slow + Words{"--head-lr", "1e-3"});
  for (auto& name : changed(last, weights))
    CHECK((name.starts_with("linear.") || name.find("running_") != name.npos));
  const auto head = read_safetensors(last).tensors.at("linear.bias").to_doubles();
  succeeded("train_miniplaces", start + quick + slow);
  CHECK(head != read_safetensors(last).tensors.at("linear.bias").to_doubles());
}

TEST_CASE("a run that trains the head alone goes on so") {
  TemporaryFolder folder;
  write_data(folder / "data");
  const std::string weights = put_weights(folder), out = folder / "out";
  succeeded("train_miniplaces", Words{folder / "data", "--weights", weights, "--model", "resnet20",
                                      "--out", out, "--head-only"} +
                                    quick);
  std::filesystem::remove(weights);
  succeeded("train_miniplaces", {"--resume", out, "--epochs", "2"});
  CHECK(changed(out + "/last.safetensors", put_weights(folder)) ==
        Words{"linear.bias", "linear.weight"});
}

TEST_CASE("a checkpoint of ours says its network and how it sees images") {
  TrainedNetwork trained("resnet20");
  const std::string out = trained.folder / "next";
  const Words start{trained.data, "--weights", trained.best, "--out", out};
  const Outcome o = succeeded("train_miniplaces", start + quick);
  CHECK_THAT(o.out, Contains("Without --model: resnet20, which the weights are for"));
  CHECK_THAT(o.out, Contains("loaded 116 of 116 tensors\n"));
  check_refused(run_app("train_miniplaces", start + Words{"--model", "simplenet", "--overwrite"}),
                "are missing of 14), so it is not for simplenet");
  check_refused(run_app("train_miniplaces", {"--weights", put_weights(trained.folder)}),
                "does not say which network its weights are for: --model does");
  check_refused(run_app("train_miniplaces", {"--weights", trained.best, "--resume", out}),
                "--weights is what a new run starts from");
  check_refused(run_app("train_miniplaces", {"--weights", "none.pth"}), "none.pth: cannot be read");
}

TEST_CASE("--half-weights takes half the room, and evaluates much the same") {
  TemporaryFolder folder;
  write_data(folder / "data");
  const auto size = [&](const Words& more) {
    const std::string out = folder / ("out" + std::to_string(more.size()));
    succeeded("train_miniplaces",
              Words{folder / "data", "--model", "resnet20", "--out", out} + quick + more);
    const Outcome seen = succeeded("evaluate", {out, folder / "data"});
    CHECK_THAT(seen.out, Contains("(9 images"));
    return std::filesystem::file_size(out + "/best.safetensors");
  };
  const auto whole = size({}), half = size({"--half-weights"});
  CHECK(double(half) < 0.6 * double(whole));
}

TEST_CASE("the weights may stand first or come by --weights, wherever that is") {
  TrainedNetwork trained;
  const std::string data = trained.data, best = trained.best;
  const std::string wanted = succeeded("evaluate", {best, data}).out;
  CHECK(succeeded("evaluate", {"--weights", best, data}).out == wanted);
  CHECK(succeeded("evaluate", {data, "--weights", best}).out == wanted);
  CHECK(succeeded("evaluate", {data, "--weights=" + best}).out == wanted);
  check_refused(run_app("evaluate", {data, "--weights"}), "--weights");
}

TEST_CASE("PyTorch's files go where safetensors go") {
  TemporaryFolder folder;
  const std::string net = folder / "net.json", photo = folder / "photo.png";
  write_text(net, R"({"layers": [{"type": "Conv2d", "in_channels": 3, "out_channels": 4,)"
                  R"( "kernel_size": 3}, {"type": "BatchNorm2d", "num_features": 4},)"
                  R"( {"type": "ReLU"}, {"type": "GlobalAvgPool"}, {"type": "Linear",)"
                  R"( "in_features": 4, "out_features": "classes"}]})");
  write_photo(photo, 0);
  const std::string files = source_path("tests/golden/torch_files/");
  const auto classify = [&](const std::string& file) {
    return run_app("classify", {photo, "--weights", files + file, "--model", net});
  };
  const std::string wanted = classify("2_plain.pth").out;
  CHECK_THAT(wanted, Contains("photo.png\n"));
  CHECK(classify("1.13_training_stream.tar").out == wanted);
  CHECK_THAT(classify("2_training.pth.tar").err, Contains("what the file holds as 'state_dict'"));
  check_refused(classify("2_call.pth"), "it asks for 'posix.system', which is refused");
  check_refused(run_app("classify", {photo, "--weights", files + "2_plain.pth"}),
                "a file of PyTorch's torch.save, which says nothing of its network: --model NAME");
}
