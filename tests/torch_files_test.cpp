// Files of PyTorch's torch.save: those that tests/golden/torch_files.py wrote with two versions of
// it, and damaged ones.
#include <fstream>

#include "apps/paths.h"
#include "record/checkpoint.h"
#include "record/torch/torch_file.h"
#include "record/torch/unpickle.h"
#include "tests/catch.h"
#include "tests/support.h"
#include "tests/temporary_folder.h"

using namespace tweed;
using namespace std::string_literals;

namespace {

// Python's, which has an average over the map in the place of GlobalAvgPool.
const std::string small_net =
    R"({"layers": [{"type": "Conv2d", "in_channels": 3, "out_channels": 4, "kernel_size": 3}, )"
    R"({"type": "BatchNorm2d", "num_features": 4}, {"type": "ReLU"}, {"type": "GlobalAvgPool"}, )"
    R"({"type": "Linear", "in_features": 4, "out_features": "classes"}]})";

std::string golden(const std::string& name) {
  return source_path("tests/golden/torch_files/" + name);
}

std::string bytes_of(const std::string& path) { return read_file(path, 1 << 20); }

struct Folder : TemporaryFolder {
  std::string put(const std::string& name, const std::string& bytes) const {
    std::ofstream(*this / name, std::ios::binary) << bytes;
    return *this / name;
  }
};

Checkpoint load(const std::string& path) {
  Folder folder;
  return load_weights(path, folder.put("net.json", small_net));
}

std::string complaint(const std::string& bytes) {
  Folder folder;
  try {
    open_tensors(folder.put("x.pth", bytes));
  } catch (const FormatError& e) {
    return e.what();
  }
  return "nothing";
}

// What the pickle says that is wrong, with its place; "nothing" if it is read.
std::string pickle_complaint(const std::string& bytes) {
  std::string said = "nothing";
  try {
    unpickle(bytes, [&](std::size_t place, const std::string& what) {
      said = std::to_string(place) + ": " + what;
      throw Error(what);
    });
  } catch (const Error&) {
  }
  return said;
}

std::string text(const std::string& t) { return "X"s + char(t.size()) + "\0\0\0"s + t; }
// The opcodes of a tensor with sizes and strides of one digit each, on 4 floats.
std::string tensor(int offset, const std::string& sizes, const std::string& strides) {
  const auto tuple = [](const std::string& digits) {
    std::string code = "(";
    for (char d : digits) code += "K"s + char(d - '0');
    return code + "t";
  };
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\nFloatStorage\n" +
         text("0") + text("cpu") + "K\4tQK" + char(offset) + tuple(sizes) + tuple(strides) +
         "\x89}tR";
}

}  // namespace

TEST_CASE("what PyTorch 1.13 and 2 saved gives the same weights and PyTorch's logits") {
  const SafeTensors expected = read_safetensors(golden("logits.safetensors"));
  const auto wanted = expected.tensors.at("logits").to_doubles();
  const Tensor x = expected.tensors.at("x").to(DType::float32);
  const auto first = load(golden("1.13_plain.pth")).network->state();
  for (std::string version : {"1.13_", "2_"})
    for (std::string name :
         {"plain.pth", "stream.th", "training.pth.tar", "training_stream.tar", "half.pth",
          "bfloat16.pt", "double.bin", "parameters.pth", "views.pth"}) {
      INFO(version << name);
      const Checkpoint c = load(golden(version + name));
      CHECK(c.info.classes.size() == 5);
      CHECK(difference((*c.network)(x).to_doubles(), wanted, 1e-6) == "");
      const auto state = c.network->state();
      REQUIRE(state.size() == first.size());
      for (std::size_t i = 0; i < state.size(); ++i) {
        INFO(state[i].name);
        CHECK(same_bits(state[i].tensor, first[i].tensor));
      }
      const bool nested = name.starts_with("training");
      REQUIRE(c.notes.size() == (nested ? 2u : 0u));
      if (nested) {
        CHECK(c.notes[0] == "the weights are what the file holds as 'state_dict'");
        CHECK(c.notes[1] == "the names in the file begin with 'module.', which was taken off");
      }
    }
}

TEST_CASE("a pickle that asks for a function or a class is refused by its name") {
  for (std::string version : {"1.13_", "2_"}) {
    INFO(version);
    CHECK_THROWS_WITH(open_tensors(golden(version + "call.pth")),
                      Contains("call.pth: at byte ") && Contains("it asks for 'posix.system'"));
    CHECK_THROWS_WITH(open_tensors(golden(version + "call_stream.pth")),
                      Contains("it asks for 'posix.system'"));
    CHECK_THROWS_WITH(open_tensors(golden(version + "module.pth")),
                      Contains("'torch.nn.modules.linear.Linear'") &&
                          Contains("its state_dict() can be saved instead"));
  }
  CHECK_THAT(pickle_complaint("\x80\2cbuiltins\neval\n."),
             Contains("2: it asks for 'builtins.eval'"));
  CHECK_THAT(pickle_complaint("\x80\4\x8c\2os\x8c\6system\x93."), Contains("'os.system'"));
  CHECK_THAT(pickle_complaint("\x80\2cos\n\x1b[31m\n."), Contains("'os.\\x1b[31m'"));
}

TEST_CASE("each file, cut anywhere or with any byte changed, is read or refused") {
  for (std::string name : {"2_plain.pth", "1.13_training_stream.tar"}) {
    const std::string whole = bytes_of(golden(name));
    for (std::size_t size = 2; size < whole.size(); size += 31) {
      INFO(name << " cut to " << size);
      CHECK_THAT(complaint(whole.substr(0, size)), Contains("x.pth: at byte "));
    }
    for (std::size_t at = 2; at < whole.size(); at += 13) {
      std::string changed = whole;
      changed[at] = char(changed[at] ^ 0x81);
      CHECK_NOTHROW(complaint(changed));  // other exceptions than FormatError would pass
    }
  }
}

TEST_CASE("a tensor has to lie within its storage") {
  const auto said = [](int offset, const std::string& sizes, const std::string& strides) {
    return pickle_complaint("\x80\2" + tensor(offset, sizes, strides) + ".");
  };
  CHECK(said(0, "22", "21") == "nothing");
  CHECK(said(0, "", "") == "nothing");
  CHECK(said(3, "1", "9") == "nothing");
  CHECK(said(9, "0", "1") == "nothing");
  CHECK_THAT(said(1, "22", "21"), Contains("reaches beyond its storage of 4 numbers"));
  CHECK_THAT(said(4, "", ""), Contains("reaches beyond"));
  CHECK_THAT(said(0, "2", "4"), Contains("reaches beyond"));
  CHECK_THAT(said(0, "9", "0"), Contains("more elements than its storage"));
  CHECK_THAT(said(0, "22", "2"), Contains("not as many strides as sizes"));
  CHECK_THAT(said(0, "111111111", "111111111"), Contains("up to 8 whole numbers"));
}

TEST_CASE("pickles: what is cut short, out of order or endless") {
  const std::string head = "\x80\2";
  CHECK_THAT(pickle_complaint("]."), Contains("0: this is no pickle of protocol 2 to 5"));
  CHECK_THAT(pickle_complaint("\x80\1]."), Contains("protocol 1"));
  CHECK_THAT(pickle_complaint(head + "]"), Contains("3: the pickle ends here"));
  CHECK_THAT(pickle_complaint(head + "X\xff\xff\xff\xff" + "abc."), Contains("cut short"));
  CHECK_THAT(pickle_complaint(head + "."), Contains("takes a value where there is none"));
  CHECK_THAT(pickle_complaint(head + "K\1(a."), Contains("takes a value where there is none"));
  CHECK_THAT(pickle_complaint(head + "t."), Contains("2: the pickle goes back to a mark"));
  CHECK_THAT(pickle_complaint(head + "h\1."), Contains("refers to a value that is not there"));
  CHECK_THAT(pickle_complaint(head + "}(K\1u."), Contains("adds items to a dict"));
  CHECK_THAT(pickle_complaint(head + "K\1K\2a."), Contains("adds items to a number"));
  CHECK_THAT(pickle_complaint(head + "K\1)R."), Contains("calls a number with a tuple"));
  CHECK_THAT(pickle_complaint(head + "I1\n."), Contains("an instruction 73"));
  CHECK_THAT(pickle_complaint(head + "K\1Q."), Contains("no storage of numbers"));
  CHECK(pickle_complaint(head + "]q\1h\1a.") == "nothing");  // a list that holds itself
  CHECK(pickle_complaint(head + std::string(1'000'000, '(') + ".") != "nothing");
  CHECK_THAT(pickle_complaint(head + std::string(5'000'000, ']') + "."),
             Contains("more than 4 million values"));
  CHECK_THAT(pickle_complaint(head + "]" + std::string(17'000'000, '2') + "."),
             Contains("more than 16 million steps"));
}

TEST_CASE("zip archives that torch.save did not write") {
  const std::string whole = bytes_of(golden("2_plain.pth"));
  const auto end = whole.rfind("PK\5\6"), line = whole.find("PK\1\2");
  std::string changed = whole;
  changed[line + 10] = 8;
  CHECK_THAT(complaint(changed), Contains("is compressed; torch.save stores"));
  changed = whole;
  changed[line + 8] = char(changed[line + 8] | 1);
  CHECK_THAT(complaint(changed), Contains("is encrypted"));
  changed = whole + "a comment";
  changed[end + 20] = 9;
  CHECK(complaint(changed) == "nothing");
  changed = whole;
  for (std::size_t at; (at = changed.find("data.pkl")) != changed.npos;) changed[at] = 'D';
  CHECK_THAT(complaint(changed), Contains("has no data.pkl"));
  changed = whole;
  const auto order = changed.find("little");
  changed.replace(order, 6, "bigend");
  CHECK_THAT(complaint(changed), Contains("not in little-endian order"));
}

TEST_CASE("which dict has the weights") {
  const std::string t = tensor(0, "22", "21");
  // What is said of a stream of these opcodes, without the storages that would follow.
  const auto find = [](const std::string& code) {
    const Pickle p = unpickle("\x80\2" + code + ".",
                              [](std::size_t, const std::string& what) { throw Error(what); });
    const StateDict found = find_state_dict(*p.root);
    return found.dict ? found.name : found.wrong;
  };
  const auto dict = [](const std::string& name, const std::string& value) {
    return "}" + text(name) + value + "s";
  };
  CHECK(find(dict("fc.weight", t)) == "");
  CHECK(find(dict("whatever", dict("fc.weight", t))) == "whatever");
  CHECK(find(dict("ema", dict("w", t)) + text("model") + dict("w", t) + "s") == "model");
  CHECK(find(dict("loss", t) + text("state_dict") + dict("w", t) + "s") == "state_dict");
  CHECK_THAT(find(dict("a", dict("w", t)) + text("b") + dict("w", t) + "s"),
             Contains("holds 2 dicts of tensors ('a', 'b')"));
  CHECK(find("]") == "it holds a list, not a dict of tensors");
  CHECK(find("}") == "it holds no dict of tensors");
  CHECK(find(t) == "it holds a tensor, not a dict of tensors");
}
