#include "tests/apps/apps_support.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "apps/paths.h"
#include "data/image.h"
#include "tests/catch.h"

namespace tweed {

Words split(const std::string& text) {
  std::istringstream in(text);
  return Words(std::istream_iterator<std::string>(in), {});
}

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

Words app_command(const std::string& name) {
  return {"/usr/bin/env", "OMP_NUM_THREADS=1", program_path(name)};
}

Outcome run_app(const std::string& name, const Words& arguments) {
  return run_program(app_command(name) + arguments);
}

Outcome succeeded(const std::string& name, const Words& arguments) {
  std::string all;
  for (auto& word : arguments) all += " " + word;
  Outcome o = run_app(name, arguments);
  INFO(name << all << "\n" << o.err);
  CHECK(o.code == 0);
  o.out = without_taken(o.out);
  return o;
}

Words small_run(const std::string& out, const Words& more) {
  Words words{"tiny", "--image-size", "16",   "--batch-size", "8", "--limit", "4", "--classes",
              "3",    "--lr",         "0.05", "--warmup",     "1", "--out",   out};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

Outcome train(const std::string& out, const Words& more) {
  return run_app("train_miniplaces", small_run(out, more));
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_text(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

int line_count(const std::string& text) { return int(std::count(text.begin(), text.end(), '\n')); }

std::string without_taken(const std::string& out) {
  const std::string start = "Taken: ";
  return out.starts_with(start) ? out.substr(out.find('\n') + 1) : out;
}

void check_refused(const Outcome& o, const std::string& what, int code) {
  INFO("stderr: " << o.err << "stdout: " << o.out);
  CHECK(o.code == code);
  CHECK(line_count(o.err) == 1);
  CHECK(o.err.find(what) != std::string::npos);
}

void write_photo(const std::string& path, int kind) {
  Image image{40, 50, {}};
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x)
      for (int c = 0; c < 3; ++c)
        image.pixels.push_back(uint8_t((kind % 3 == c ? 150 : 60) + (x * (kind + 2) + y * c) % 80));
  write_png(path, image);
}

void write_data(const std::string& root, int kind) {
  for (const char* split : {"train", "val"})
    for (int label = 0; label < 3; ++label) {
      const std::string folder = root + "/" + split + "/" + std::string(1, char('a' + label));
      std::filesystem::create_directories(folder);
      const int count = split == std::string("train") ? 4 : 3;
      for (int i = 0; i < count; ++i)
        write_photo(folder + "/" + std::to_string(i) + ".png", kind + label + 3 * i);
    }
}

TrainedNetwork::TrainedNetwork(const std::string& model) {
  write_data(data);
  write_photo(photo, 1);
  std::ofstream(json) << R"({"layers": [
    {"type": "Conv2d", "in_channels": 3, "out_channels": 8, "kernel_size": 3, "stride": 2},
    {"type": "ReLU"},
    {"type": "Conv2d", "in_channels": 8, "out_channels": 16, "kernel_size": 3, "stride": 2},
    {"type": "ReLU"},
    {"type": "AdaptiveAvgPool2d", "output_size": 2},
    {"type": "Flatten"},
    {"type": "Linear", "in_features": 64, "out_features": "classes"}]})";
  const Outcome o = run_app("train_miniplaces",
                            Words{data, "--out", out, "--model", model.empty() ? json : model} +
                                split("--image-size 32 --batch-size 4 --epochs 6 --warmup 0"));
  INFO(o.err);
  REQUIRE(o.code == 0);
}

}  // namespace tweed
