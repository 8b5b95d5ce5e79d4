// Weights files that cannot be trusted or were made by others: what is refused and how, what is
// taken all the same, and how much a small file may ask for.
#include <cmath>
#include <fstream>

#include "nn/models/sequential.h"
#include "nn/weight_limit.h"
#include "record/checkpoint.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace tweed;
using namespace std::string_literals;

namespace {

// A network of a few numbers, as a JSON file.
const std::string small_net =
    R"({"layers": [{"type": "GlobalAvgPool"}, )"
    R"({"type": "Linear", "in_features": 3, "out_features": "classes"}]})";

struct Folder : TemporaryFolder {
  std::string put(const std::string& name, const std::string& bytes) const {
    std::ofstream(*this / name, std::ios::binary) << bytes;
    return *this / name;
  }
};

// The weights of small_net for two classes.
SafeTensors weights(const std::string& prefix = "") {
  SafeTensors s;
  s.tensors[prefix + "1.weight"] = Tensor::from<float>({1, 2, 3, 4, 5, 6}, {2, 3});
  s.tensors[prefix + "1.bias"] = Tensor::from<float>({7, 8}, {2});
  return s;
}

Checkpoint load(const SafeTensors& s) {
  Folder folder;
  write_safetensors(folder / "x.safetensors", s);
  return load_weights(folder / "x.safetensors", folder.put("net.json", small_net));
}

std::string header_and(const std::string& header, std::size_t data) {
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i) bytes[std::size_t(i)] = char(header.size() >> 8 * i);
  return bytes + header + std::string(data, '\0');
}

std::string complaint(const std::string& name, const std::string& bytes) {
  Folder folder;
  try {
    read_safetensors(folder.put(name, bytes));
  } catch (const FormatError& e) {
    return e.what();
  }
  return "nothing";
}

CheckpointInfo small_info() {
  CheckpointInfo info;
  info.model = "net.json";
  info.description = small_net;
  info.classes = {"a", "b"};
  return info;
}

// What is said about a checkpoint of small_net whose metadata has this.
std::string metadata_complaint(const std::string& key, const std::string& value) {
  Folder folder;
  SafeTensors s = weights();
  s.metadata = metadata_of(small_info());
  s.metadata[key] = value;
  write_safetensors(folder / "x.safetensors", s);
  try {
    load_checkpoint(folder / "x.safetensors");
  } catch (const FormatError& e) {
    return e.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("a file of another kind is named, with what makes safetensors of it") {
  const std::string zip = "PK\3\4\0\0\10\10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\15\0\2\0"s;
  CHECK_THAT(complaint("net.pth", zip + "archive/data.pkl" + std::string(500, '\1')),
             Contains("net.pth: at byte 0: this is no safetensors file, but a file of PyTorch's "
                      "torch.save, which says nothing of its network: --model NAME does"));
  const std::string old = "\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\2M\xe9\3."s;
  CHECK_THAT(complaint("net.pt", old),
             Contains("torch.save before PyTorch 1.6, which says nothing of its network"));
  CHECK_THAT(complaint("net.pkl", "\x80\4\x95\1\0\0\0\0\0\0\0}\x94."s), Contains("a pickle of"));
  CHECK_THAT(complaint("net.npz", zip + "conv.npy"),
             Contains("NumPy arrays (.npz); this makes one of it: python3 -c") &&
                 Contains("numpy.load") && Contains("/net.safetensors"));
  CHECK_THAT(complaint("net.h5", "\x89HDF\r\n\x1a\n"s + std::string(100, '\0')),
             Contains("but an HDF5 file"));
  CHECK_THAT(complaint("net.safetensors", "<!DOCTYPE html><html>404"), Contains("an HTML page"));
  CHECK_THAT(complaint("net.safetensors", "version https://git-lfs.github.com/spec/v1\noid "),
             Contains("a pointer of Git LFS"));
  CHECK_THAT(complaint("a b;\n.npz", zip + "conv.npy"),
             Contains("a b;\\n.npz: ") && Contains("FILE NEW.safetensors"));
}

TEST_CASE("a prefix before all names is taken off, and said") {
  for (std::string prefix : {"module.", "model.", "_orig_mod.", "module._orig_mod."}) {
    const Checkpoint c = load(weights(prefix));
    CHECK(c.network->parameters()[1].tensor.to_doubles() == std::vector<double>{7, 8});
    REQUIRE(c.notes.size() == 1);
    CHECK_THAT(c.notes[0], Contains("'" + prefix + "', which was taken off"));
  }
  CHECK(load(weights()).notes.empty());
  SafeTensors half = weights("module.");
  half.tensors["1.bias"] = half.tensors.extract("module.1.bias").mapped();
  CHECK_THROWS_WITH(load(half), Contains("has no tensor '1.weight'") && Contains("'1.bias'"));
}

TEST_CASE("a tensor that the network has not is left out of foreign weights, whatever its dtype") {
  SafeTensors s = weights();
  s.tensors["0.extra"] = Tensor::zeros({3});
  s.tensors["mask"] = Tensor::zeros({2});
  const Checkpoint c = load(s);
  REQUIRE(c.notes.size() == 1);
  CHECK_THAT(c.notes[0], Contains("2 of the file's tensors: '0.extra', 'mask'"));

  const std::string header = R"({"1.weight":{"dtype":"F32","shape":[1,3],"data_offsets":[0,12]},)"
                             R"("1.bias":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},)"
                             R"("a":{"dtype":"BOOL","shape":[3],"data_offsets":[16,19]},)"
                             R"("b":{"dtype":"I16","shape":[2],"data_offsets":[19,23]},)"
                             R"("c":{"dtype":"F4","shape":[2],"data_offsets":[23,24]}})";
  Folder folder;
  const std::string path = folder.put("x.safetensors", header_and(header, 24));
  CHECK(load_weights(path, folder.put("net.json", small_net)).info.classes.size() == 1);
  CHECK_THROWS_WITH(read_safetensors(path), Contains("tensor 'a': dtype BOOL is not one of"));

  s.metadata = metadata_of(small_info());  // our own files have no reason to
  write_safetensors(path, s);
  CHECK_THROWS_WITH(load_checkpoint(path), Contains("tensor '0.extra' that the network has not"));
}

TEST_CASE("weights that are not finite are refused with the tensor's name") {
  Folder folder;
  for (double wrong : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    SafeTensors s = weights();
    s.tensors["1.bias"] = Tensor::from<float>({0, float(wrong)}, {2});
    const std::string what = "'1.bias' has "s + (wrong == wrong ? "infinity" : "NaN");
    CHECK_THROWS_WITH(load(s), Contains(what));
    s.metadata = metadata_of(small_info());
    write_safetensors(folder / "x.safetensors", s);
    CHECK_THROWS_WITH(load_checkpoint(folder / "x.safetensors"), Contains(what));
  }
  SafeTensors s = weights();
  s.tensors["1.bias"] = Tensor::from<double>({0, 1e300}, {2});  // infinite once it is a float
  CHECK_THROWS_WITH(load(s), Contains("'1.bias' has infinity"));
}

TEST_CASE("a last layer without classes, and numbers of another kind, are refused") {
  SafeTensors s = weights();
  s.tensors["1.weight"] = Tensor::zeros({0, 3});
  s.tensors["1.bias"] = Tensor::zeros({0});
  CHECK_THROWS_WITH(load(s), Contains("'1.bias' is (0)") && Contains("without classes"));
  s = weights();
  s.tensors["1.bias"] = Tensor::zeros({2}, DType::uint8);
  CHECK_THROWS_WITH(load(s), Contains("'1.bias' is of whole numbers"));
}

TEST_CASE("every value of a checkpoint's metadata is checked") {
  CHECK(metadata_complaint("epoch", "3") == "nothing");
  const auto refused = [](const std::string& key, const std::vector<std::string>& values) {
    for (auto& value : values) {
      INFO(key << " " << value);
      CHECK_THAT(metadata_complaint(key, value),
                 Contains("x.safetensors: its metadata has '") && Contains("as '" + key + "'"));
    }
  };
  refused("image_size",
          {"0", "-1", "12abc", "", " 12", "1e3", "2000000000", "99999999999999999999"});
  refused("load_size", {"0", "2000000000", "nan"});
  refused("epoch", {"-1", "1000000", "1.5", "null"});
  refused("top1", {"nan", "inf", "-1", "101", "null", "5 %"});
  refused("top5", {"nan", "1e999"});
  refused("mean", {"[0,0]", "[0,0,null]", "3", "[0,0,1e9]", "[0,0,1e999]", "{}", "[[0],0,0]"});
  refused("std", {"[0,1,1]", "[-1,1,1]", "[1,1,1,1]", "[1,1,\"1\"]", "[NaN,1,1]"});
  refused("classes", {"[]", "[1]", "3", "[\"a\"", "{\"a\":\"b\"}", std::string(100000, '[')});
  CheckpointInfo info = small_info();
  info.classes = {"caf\xe9"};
  CHECK_THROWS_WITH(metadata_of(info), Contains("'caf\\xe9' cannot be saved"));
}

TEST_CASE("a small file cannot ask for gigabytes") {
  std::string classes = "[\"a\"";
  for (int i = 0; i < 1'000'000; ++i) classes += ",\"b\"";
  const auto wide = [](int size) {
    return R"({"layers": [{"type": "Linear", "in_features": 40000, "out_features": )" +
           std::to_string(size) + "}]}";
  };
  CHECK_THAT(metadata_complaint("classes", classes + "]"),
             Contains("layer 1 (Linear) has more weights than the file"));
  CHECK_THAT(metadata_complaint("description", wide(6000)),
             Contains("layer 0 (Linear) has more weights than the file"));
  CHECK_THROWS_WITH(sequential_model("net.json", wide(46340), {}),
                    Contains("layer 0 (Linear) has more weights than 2^28"));
  // Many layers that are allowed each.
  std::string many = "{\"layers\": [";
  for (int i = 0; i < 1000; ++i) many += R"({"type": "BatchNorm2d", "num_features": 1000000},)";
  CHECK_THAT(metadata_complaint("description", many + R"({"type": "ReLU"}]})"),
             Contains("(BatchNorm2d) has more weights than the file"));

  Folder folder;
  SafeTensors s;
  s.metadata = metadata_of(small_info());
  s.metadata["model"] = "simplevit";  // whose positions grow with the image
  s.metadata["image_size"] = s.metadata["load_size"] = "4096";
  write_safetensors(folder / "vit.safetensors", s);
  CHECK_THROWS_WITH(load_checkpoint(folder / "vit.safetensors"),
                    Contains("the network has more weights than the file"));
}

TEST_CASE("limits on weights nest, and end with their lives") {
  CHECK(WeightLimit::excess(1e30).empty());
  {
    const WeightLimit outer(100, "outer");
    WeightLimit::take({8, 10});
    CHECK(WeightLimit::excess(20).empty());
    {
      const WeightLimit inner(1000, "inner");
      CHECK(WeightLimit::excess(21) == "has more weights than outer");
      WeightLimit::take({10});
    }
    CHECK_THROWS_WITH(WeightLimit::check({11}), Contains("more weights than outer"));
  }
  CHECK(WeightLimit::excess(1e30).empty());
}

TEST_CASE("headers: deep, large and with numbers beyond all bounds") {
  CHECK_THAT(complaint("x", header_and("{\"a\":" + std::string(1'000'000, '['), 0)),
             Contains("the header is nested too deep"));
  CHECK_THAT(complaint("x", header_and(R"({"w":{"dtype":"F32","shape":[1e999]}})", 0)),
             Contains("x: at byte 8: the header has a number beyond all bounds"));
  CHECK_THAT(complaint("x", header_and(R"({"\u001b[31m\nforged":3})", 0)),
             Contains("'\\x1b[31m\\nforged'"));
  CHECK(complaint("x", header_and("{\"" + std::string(1'000'000, 'n') + "\":3}", 0)).size() < 500);
}
