// Files for other programs: PyTorch's, and ONNX, whose golden files onnxruntime has run.
#include "record/onnx/export.h"

#include <cmath>
#include <fstream>

#include "apps/paths.h"
#include "autograd/functions.h"
#include "autograd/image_ops.h"
#include "autograd/reduce.h"
#include "data/read_file.h"
#include "nn/models/models.h"
#include "record/checkpoint.h"
#include "record/torch/torch_file.h"
#include "record/torch/write_torch.h"
#include "record/torch/zip.h"
#include "tests/catch.h"
#include "tests/support.h"
#include "tests/temporary_folder.h"

using namespace tweed;

namespace {

std::string golden(const std::string& name) {
  return source_path("tests/golden/onnx_files/" + name);
}

std::string bytes_of(const std::string& path) { return read_file(path, 1 << 24); }

// A network that golden files are of, as export_weights was told of it.
Checkpoint golden_network(const std::string& weights = "weights.safetensors",
                          const std::string& description = "net.json") {
  Checkpoint c = load_weights(golden(weights), golden(description));
  c.info.image_size = c.info.load_size = 16;
  c.info.mean = c.info.std = {0.5f, 0.5f, 0.5f};
  return c;
}

SafeTensors some_tensors() {
  SafeTensors s;
  s.tensors["f32"] = random_tensor({3, 4, 5});
  s.tensors["f64"] = random_tensor({7}, DType::float64);
  s.tensors["bf16"] = random_tensor({2, 3}, DType::bfloat16);
  s.tensors["f16"] = random_tensor({5, 2}, DType::float16);
  s.tensors["i32"] = Tensor::from<int32_t>({1, -2, 1 << 30}, {3});
  s.tensors["u8"] = Tensor::from<uint8_t>({1, 255}, {2});
  s.tensors["none"] = Tensor::zeros({0, 4});
  s.tensors["scalar"] = Tensor::scalar(2.5, DType::float32, {});
  return s;
}

}  // namespace

TEST_CASE("a .pth of ours is read back with the same bits") {
  TemporaryFolder folder;
  const std::string path = folder / "x.pth";
  const SafeTensors s = some_tensors();
  write_torch(path, s);
  const TorchFile file(path);
  CHECK(file.note() == "");
  REQUIRE(file.tensors().size() == s.tensors.size());
  for (auto& [name, t] : s.tensors) {
    INFO(name);
    CHECK(same_bits(file.read(name), t));
  }
  // What PyTorch's own files are like: contents begin at multiples of 64 bytes.
  const InputFile bytes(path);
  for (auto& [name, entry] : read_zip(bytes)) CHECK(entry.begin % 64 == 0);
}

TEST_CASE("half weights are rounded, and what half does not hold is refused") {
  TemporaryFolder folder;
  SafeTensors s = some_tensors();
  s.halves = {"f32", "f64", "i32"};  // whole numbers stay
  write_torch(folder / "x.pth", s);
  write_safetensors(folder / "x.safetensors", s);
  for (std::string end : {"x.pth", "x.safetensors"}) {
    const auto file = open_tensors(folder / end);
    CHECK(file->tensors().at("f32").dtype == "F16");
    CHECK(file->tensors().at("f64").dtype == "F16");
    CHECK(file->tensors().at("bf16").dtype == "BF16");
    CHECK(same_bits(file->read("i32"), s.tensors.at("i32")));
    const auto wanted = s.tensors.at("f32").to_vector<float>();
    const auto got = file->read("f32").to_vector<f16>();
    for (std::size_t i = 0; i < wanted.size(); ++i)
      CHECK(got[i].bits == store<f16>(wanted[i]).bits);
  }
  s.tensors["f32"] = Tensor::from<float>({1, 70000}, {2});
  CHECK_THROWS_WITH(write_torch(folder / "y.pth", s), Contains("'f32': 70000") && Contains("half"));
  CHECK_THROWS_WITH(write_safetensors(folder / "y", s), Contains("is beyond what half holds"));
  CHECK(!std::ifstream(folder / "y.pth"));
  CHECK(!std::ifstream(folder / "y"));
}

TEST_CASE("an ONNX file is the one that onnxruntime ran, with our logits") {
  TemporaryFolder folder;
  const Checkpoint c = golden_network();
  const SafeTensors expected = read_safetensors(golden("logits.safetensors"));
  for (std::string name : {"net", "half"}) {
    INFO(name);
    const std::string path = folder / (name + ".onnx");
    save_onnx(path, *c.network, c.info, name == "half" ? WeightsAs::half : WeightsAs::they_are);
    CHECK((bytes_of(path) == bytes_of(golden(name + ".onnx"))));
    const Tensor logits = (*c.network)(expected.tensors.at("x"));
    // All weights are sixteenths, which are halves, too.
    CHECK(difference(logits.to_doubles(), expected.tensors.at(name).to_doubles(), 1e-5) == "");
  }
}

TEST_CASE("pools, borders and sizes of every kind are onnxruntime's") {
  TemporaryFolder folder;
  Checkpoint c = load_weights(golden("windows_weights.safetensors"), golden("windows.json"));
  c.info.image_size = c.info.load_size = 16;
  c.info.mean = c.info.std = {0.5f, 0.5f, 0.5f};
  const std::string path = folder / "windows.onnx";
  save_onnx(path, *c.network, c.info, WeightsAs::they_are);
  CHECK((bytes_of(path) == bytes_of(golden("windows.onnx"))));
  const SafeTensors expected = read_safetensors(golden("windows_logits.safetensors"));
  CHECK(difference((*c.network)(expected.tensors.at("x")).to_doubles(),
                   expected.tensors.at("windows").to_doubles(), 1e-5) == "");
  struct Smooth : Module {
    Tensor forward(const Tensor& x) override {
      return mean(resize_bicubic(x, 3, 3, {.antialias = true}), {1, 2});
    }
    std::string description() const override { return "Smooth"; }
  } smooth;
  CHECK_THROWS_WITH(save_onnx(path, smooth, c.info),
                    "[onnx] resize_bicubic with antialias has no node in opset 17");
}

TEST_CASE("layers that few networks have are in an ONNX file, too") {
  TemporaryFolder folder;
  const Checkpoint c = golden_network("more_weights.safetensors", "more.json");
  const SafeTensors expected = read_safetensors(golden("more_logits.safetensors"));
  save_onnx(folder / "more.onnx", *c.network, c.info);
  CHECK((bytes_of(folder / "more.onnx") == bytes_of(golden("more.onnx"))));
  const Tensor logits = (*c.network)(expected.tensors.at("x"));
  CHECK(difference(logits.to_doubles(), expected.tensors.at("more").to_doubles(), 1e-5) == "");
}

TEST_CASE("every registered network can be exported, and an unknown operation is named") {
  TemporaryFolder folder;
  for (auto& name : model_names()) {
    INFO(name);
    CheckpointInfo info;
    info.model = name;
    info.classes = {"a", "b", "c"};
    const Preprocessing p = preprocessing_of(name);
    info.image_size = name == "simplevit" ? 128 : p.crop == 32 ? 32 : 64;
    if (name.starts_with("resnet5") || name == "resnet34") continue;  // as their smaller kin
    if (name.starts_with("vgg")) continue;  // half a gigabyte; scripts/check_export.py writes it
    const ModulePtr network = make_model(name, {.classes = 3, .image_size = info.image_size});
    CHECK_NOTHROW(save_onnx(folder / "x.onnx", *network, info));
    CHECK(network->training());
  }
  struct Exp : Module {
    Tensor forward(const Tensor& x) override { return mean(exp(x), {1, 2}); }
    std::string description() const override { return "Exp"; }
  } unknown;
  CheckpointInfo info;
  info.image_size = 8;
  CHECK_THROWS_WITH(save_onnx(folder / "y.onnx", unknown, info),
                    "[onnx] exp has no node that is known here");
  CHECK(!std::ifstream(folder / "y.onnx"));
}
