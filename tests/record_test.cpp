// What a run leaves behind: safetensors files and their damages, metrics, figures.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

#include "apps/paths.h"
#include "record/draw/canvas.h"
#include "record/draw/curves.h"
#include "record/draw/figure.h"
#include "record/metrics.h"
#include "record/safetensors.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace tweed;
using namespace tweed::draw;
namespace fs = std::filesystem;

namespace {

struct Folder : TemporaryFolder {
  std::string file(const std::string& name) const { return path() + "/" + name; }
  int count() const { return int(std::distance(fs::directory_iterator(path()), {})); }
};

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void put_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string with_header(const std::string& header, std::size_t data) {
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i) bytes[i] = char(header.size() >> 8 * i);
  return bytes + header + std::string(data, '\1');
}

SafeTensors example() {
  SafeTensors s;
  s.tensors["b.float"] = Tensor::from<float>({1.5f, -0.0f, INFINITY, 1e-40f, 3, 4}, {2, 3});
  s.tensors["a.double"] = Tensor::from<double>({0.1, -1e300}, {2});
  s.tensors["bf16"] =
      Tensor::from<bf16>({store<bf16>(1.0f), store<bf16>(-3.14f), {0x7fc1}}, {3, 1});
  s.tensors["half"] = Tensor::from<f16>({{0x3c00}, {0x8001}, {0xfc00}, {0x7e01}}, {2, 2});
  s.tensors["c.int"] = Tensor::from<int32_t>({std::numeric_limits<int32_t>::min(), 7}, {2});
  s.tensors["pixels"] = Tensor::from<uint8_t>({0, 1, 255}, {3});
  s.tensors["scalar"] = Tensor::scalar(42);
  s.tensors["empty"] = Tensor::zeros({0, 4});
  s.metadata = {{"model", "simplenet"}, {"text", "line\n\"quoted\" caf\xc3\xa9"}};
  return s;
}

template <class T>
std::string raw(const Tensor& t) {
  auto values = t.to_vector<T>();
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}
std::string raw(const Tensor& t) {
  return with_type(t.dtype(), [&]<class T>() { return raw<T>(t); });
}

// Reads `bytes` as a file and returns what is said about it, without the folder.
std::string complaint(const std::string& bytes) {
  Folder folder;
  put_bytes(folder.file("x.safetensors"), bytes);
  try {
    read_safetensors(folder.file("x.safetensors"));
  } catch (const FormatError& e) {
    std::string what = e.what(), start = folder.file("");
    REQUIRE(what.substr(0, start.size()) == start);
    return what.substr(start.size());
  }
  return "nothing";
}

// Runs f in a process of its own that may write files of at most `bytes`; returns its exit code.
template <class F>
int with_file_limit(rlim_t bytes, F f) {
  pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{bytes, bytes};
    _exit(setrlimit(RLIMIT_FSIZE, &limit) == 0 ? f() : 99);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Image flat(int height, int width, Color color) { return blank_image(height, width, color); }

std::size_t dark_pixels(const Image& image) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) n += image.pixels[i] < 128;
  return n;
}

}  // namespace

TEST_CASE("safetensors: every dtype comes back bit for bit") {
  Folder folder;
  SafeTensors before = example();
  write_safetensors(folder.file("x"), before);
  SafeTensors after = read_safetensors(folder.file("x"));
  CHECK(after.metadata == before.metadata);
  REQUIRE(after.tensors.size() == before.tensors.size());
  for (const auto& [name, t] : before.tensors) {
    CAPTURE(name);
    REQUIRE(after.tensors.count(name));
    const Tensor& u = after.tensors[name];
    CHECK(u.shape() == t.shape());
    REQUIRE(u.dtype() == t.dtype());
    CHECK(raw(u) == raw(t));
  }
  CHECK(folder.count() == 1);
}

TEST_CASE("safetensors: equal content gives equal bytes, aligned to the elements") {
  Folder folder;
  write_safetensors(folder.file("x"), example());
  write_safetensors(folder.file("y"), example());
  write_safetensors(folder.file("y"), example());  // over an old file
  std::string x = bytes_of(folder.file("x"));
  CHECK(x == bytes_of(folder.file("y")));
  CHECK(x[0] % 8 == 0);
  // The widest type comes first, so the doubles stand right behind the header.
  CHECK_THAT(x, Contains("\"a.double\":{\"data_offsets\":[0,16],\"dtype\":\"F64\",\"shape\":[2]}"));
}

TEST_CASE("safetensors: tensors on the simulator, and nothing at all") {
  Folder folder;
  SafeTensors s;
  write_safetensors(folder.file("x"), s);
  CHECK(read_safetensors(folder.file("x")).tensors.empty());
  s.tensors["t"] = Tensor::from<float>({1, 2}, {2}, Device(Device::Kind::sim));
  write_safetensors(folder.file("x"), s);
  Tensor t = read_safetensors(folder.file("x")).tensors["t"];
  CHECK(t.device() == Device{});
  CHECK(t.to_doubles() == std::vector<double>{1, 2});
}

TEST_CASE("safetensors: a file of the reference library") {
  SafeTensors s = read_safetensors(source_path("tests/golden/real.safetensors"));
  CHECK(s.metadata["note"] == "a \"quoted\" caf\xc3\xa9");
  CHECK(s.tensors["f32"].shape() == Shape{2, 3});
  CHECK(s.tensors["f32"].to_vector<float>() ==
        std::vector<float>{1.5f, -2, INFINITY, 0.1f, 1e-40f, -0.0f});
  CHECK(s.tensors["f64"].to_vector<double>() == std::vector<double>{0.1, -1e300});
  CHECK(s.tensors["bf16"].dtype() == DType::bfloat16);
  CHECK(s.tensors["bf16"].to_doubles()[1] == -3.140625);
  CHECK(s.tensors["f16"].dtype() == DType::float16);
  CHECK(s.tensors["f16"].to_doubles() ==
        std::vector<double>{1, -65504, 0x1p-24, -INFINITY, 0.333251953125});
  CHECK(s.tensors["i64"].shape() == Shape{});
  CHECK(s.tensors["i64"].to_vector<int32_t>() == std::vector<int32_t>{7919});
  CHECK(s.tensors["i32"].to_vector<int32_t>()[0] == std::numeric_limits<int32_t>::min());
  CHECK(s.tensors["u8"].to_vector<uint8_t>() == std::vector<uint8_t>{0, 1, 2, 3, 4});
  CHECK(s.tensors["none"].shape() == Shape{0, 4});
}

TEST_CASE("safetensors: damage is named with file and byte") {
  Folder folder;
  write_safetensors(folder.file("x"), example());
  std::string good = bytes_of(folder.file("x"));

  CHECK(complaint(good) == "nothing");
  for (std::size_t length : {std::size_t(0), std::size_t(7), std::size_t(8), std::size_t(100),
                             good.size() - 60, good.size() - 1}) {
    CAPTURE(length);
    CHECK_THAT(complaint(good.substr(0, length)), Contains("x.safetensors: at byte "));
  }
  CHECK_THAT(complaint(good.substr(0, good.size() - 1)),
             Contains("at byte " + std::to_string(good.size() - 1)) && Contains("cut short"));
  CHECK_THAT(complaint(good + "!"),
             Contains("at byte " + std::to_string(good.size())) && Contains("the file goes on"));
  std::string long_header = good;
  long_header[6] = '\x7f';
  CHECK_THAT(complaint(long_header), Contains("at byte 0: the header's length"));
  CHECK_THAT(complaint("just some text, not a safetensors file"), Contains("at byte 0:"));
}

TEST_CASE("safetensors: a wrong header is named with file and byte") {
  auto header_says = [](const std::string& header, std::size_t data, const std::string& at,
                        const std::string& what) {
    CAPTURE(header);
    CHECK_THAT(complaint(with_header(header, data)),
               Contains("x.safetensors: at byte " + at + ":") && Contains(what));
  };
  auto one = [&](const std::string& entry, const std::string& what) {
    header_says("{\"t\":" + entry + "}", 8, "9", what);
  };
  header_says("{\"t\": oops}", 0, "14", "not valid JSON");
  header_says("[]", 0, "8", "not a JSON object");
  header_says("[1]", 0, "8", "not a JSON object");
  header_says("1", 0, "8", "not a JSON object");
  header_says("{\"__metadata__\":{\"a\":1}}", 0, "9", "'a' is not a string");
  one("3", "needs dtype, shape and data_offsets");
  one(R"({"dtype":"C64","shape":[1],"data_offsets":[0,8]})", "dtype C64 is not one of");
  one(R"({"dtype":8,"shape":[1],"data_offsets":[0,8]})", "dtype is not a string");
  one(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})", "not a list of sizes");
  one(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})", "shape (3) of F32 does not take");
  one(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})", "does not take bytes 8 to 0");
  one(R"({"dtype":"F32","shape":[2],"data_offsets":[0]})", "not two positions");
  one(R"({"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]})", "does not take");
  one(R"({"dtype":"F32","shape":[2],"data_offsets":[4,12]})", "begins at 4, after a gap");
  one(R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]})", "more than 8 axes");

  std::string u = R"({"u":{"dtype":"U8","shape":[6],"data_offsets":[0,6]},)";
  std::string t = R"("t":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})";
  header_says(u + t, 8, std::to_string(8 + u.size()), "inside the one before it");
  header_says(u + u.substr(1, u.size() - 2) + "}", 6, "8", "two entries are named 'u'");
  header_says(R"({"t":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})", 8, "62", "beyond int32");
}

TEST_CASE("safetensors: places that cannot be read or written") {
  Folder folder;
  CHECK_THROWS_WITH(read_safetensors(folder.file("none")),
                    Contains("none: cannot be read: No such file"));
  CHECK_THROWS_WITH(read_safetensors(folder.path()), Contains("not a regular file"));
  CHECK_THROWS_WITH(write_safetensors(folder.file("no/where"), example()),
                    Contains("no/where: cannot be written: No such file"));
  put_bytes(folder.file("plain"), "");
  CHECK_THROWS_WITH(write_safetensors(folder.file("plain/x"), example()),
                    Contains("cannot be written: Not a directory"));
  fs::create_directory(fs::path(folder.path()) / "taken");
  CHECK_THROWS_AS(write_safetensors(folder.file("taken"), example()), Error);
  CHECK(folder.count() == 2);
}

TEST_CASE("safetensors: a disk that fills up leaves the old file and no part of the new") {
  Folder folder;
  std::string path = folder.file("x");
  write_safetensors(path, example());
  std::string before = bytes_of(path);
  SafeTensors large;
  large.tensors["t"] = Tensor::zeros({10000});
  int code = with_file_limit(20000, [&] {
    try {
      write_safetensors(path, large);
    } catch (const Error& e) {
      return std::string(e.what()) == path + ": cannot be written: File too large" ? 7 : 8;
    }
    return 9;
  });
  CHECK(code == 7);
  CHECK(bytes_of(path) == before);
  CHECK(folder.count() == 1);
}

TEST_CASE("metrics: lines in order, and a resumed run goes on after the epochs kept") {
  Folder folder;
  std::string path = folder.file("metrics.jsonl");
  {
    MetricsFile file(path);
    for (int64_t epoch : {1, 2, 3})
      file.append({{"epoch", epoch}, {"loss", 1.0 / double(epoch)}, {"device", "cpu"}});
  }
  std::string first = "{\"epoch\":1,\"loss\":1.0,\"device\":\"cpu\"}\n";
  std::string second = "{\"epoch\":2,\"loss\":0.5,\"device\":\"cpu\"}\n";
  CHECK(bytes_of(path).substr(0, first.size() + second.size()) == first + second);
  {
    MetricsFile file(path, 2);
    CHECK(bytes_of(path) == first + second);
    file.append({{"epoch", int64_t{3}}, {"loss", std::nan("")}});
  }
  CHECK(bytes_of(path) == first + second + "{\"epoch\":3,\"loss\":null}\n");
  CHECK(read_metric(path, "epoch") == std::vector<double>{1, 2, 3});
  CHECK(read_metric(path, "loss") == std::vector<double>{1, 0.5});

  put_bytes(path, first + "{\"epoch\":2,\"lo");  // torn by a crash
  CHECK_THROWS_WITH(read_metric(path, "loss"),
                    Contains("at byte " + std::to_string(first.size()) + ":"));
  { MetricsFile file(path, 2); }
  CHECK(bytes_of(path) == first);
  { MetricsFile file(path); }
  CHECK(bytes_of(path).empty());
  CHECK_THROWS_WITH(MetricsFile(folder.file("no/where")), Contains("cannot be written"));
}

TEST_CASE("canvas: images are placed, cut off and scaled") {
  Image image = flat(4, 6, colors::white);
  draw_image(image, -1, 2, flat(9, 3, {1, 2, 3}));
  CHECK(dark_pixels(image) == 4);
  draw_image(image, 10, 10, flat(2, 2, {}));
  CHECK(dark_pixels(image) == 4);

  Image two = flat(1, 2, colors::white);
  fill_rect(two, {1, 0, 5, 5}, {0, 0, 0});
  Image large = flat(2, 8, {9, 9, 9});
  draw_image(large, {0, 0, 8, 2}, two, Scaling::nearest);
  CHECK(dark_pixels(large) == 8);
  draw_image(large, {0, 0, 8, 2}, two, Scaling::bilinear);
  CHECK(int(large.pixels[0]) == 255);
  CHECK(int(large.pixels[3 * 3]) == Approx(255 * 0.625).margin(1));
  Image mean = flat(1, 1, {});
  draw_image(mean, {0, 0, 1, 1}, two);
  CHECK(int(mean.pixels[0]) == Approx(127.5).margin(1));
}

TEST_CASE("canvas: text fits the size that was measured, and is shortened to what it is given") {
  std::string all;
  for (char c = ' '; c <= '~'; ++c) all += c;
  for (double size : {8.0, 11.0, 18.0, 40.0}) {
    int width = text_width(all, size), height = text_height(size);
    Image image = flat(height + 40, width + 40, colors::white);
    draw_text(image, 20, 20, all, size, colors::black);
    std::size_t ink = dark_pixels(image);
    CHECK(ink > std::size_t(size * all.size() / 2));
    Image inner = flat(height, width, colors::white);
    draw_image(inner, -20, -20, image);
    CHECK(dark_pixels(inner) == ink);
  }
  CHECK(shorten("ocean", 11, 500) == "ocean");
  std::string cut = shorten("a long name of a category", 11, 80);
  CHECK_THAT(cut, Contains("a lon") && Contains("..."));
  CHECK(text_width(cut, 11) <= 80);
  CHECK(text_width("\xc3\xa9", 11) == text_width("??", 11));
}

TEST_CASE("figure: a sheet holds its images whole, whatever their shapes") {
  Sheet sheet;
  sheet.title = "Title";
  sheet.column_heads = {"one", "two"};
  sheet.cell_size = 64;
  sheet.rows = {{{flat(32, 32, {}), {"square"}}, {flat(16, 32, {}), {{"wide", Ink::bad}}}},
                {{flat(100, 10, {}), {}}}};
  Image with_text = draw_sheet(sheet);
  CHECK(with_text.pixels.size() == std::size_t(with_text.height) * with_text.width * 3);
  CHECK(dark_pixels(with_text) > 64 * 64 + 64 * 32 + 64 * 6);
  sheet.title = "";
  sheet.column_heads = {};
  for (auto& row : sheet.rows)
    for (Cell& cell : row) cell.captions.clear();
  CHECK(dark_pixels(draw_sheet(sheet)) == 64 * 64 + 64 * 32 + 64 * 6);
  CHECK(in_rows(std::vector<Cell>(7), 3).size() == 3);
  CHECK(draw_sheet({}).width > 0);
}

TEST_CASE("curves: any data can be drawn") {
  Folder folder;
  std::vector<Plot> plots = {
      {"Loss", "epoch", {{"training", {}, {2.3, 1.1, NAN, 0.7}}, {"validation", {1, 4}, {2, 1}}}},
      {"One epoch", "epoch", {{"training", {}, {2.3}}}},
      {"None", "", {}},
      {"By powers of ten", "rate", {{"loss", {1e-6, 0, -1, 0.003, 10}, {3, 1, 1, 2, 4}}}, true},
      {"Flat", "", {{"zero", {}, {0, 0, 0}}, {"huge", {}, {INFINITY, 1e30, 1}}}}};
  draw_curves(folder.file("curves.png"), "Curves", plots);
  CHECK(bytes_of(folder.file("curves.png")).substr(1, 3) == "PNG");
  CHECK_THROWS_AS(draw_plot({"", "", {{"s", {1, 2}, {1}}}}), ShapeError);
}
