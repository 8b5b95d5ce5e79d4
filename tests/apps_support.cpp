#include "tests/apps_support.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "apps/paths.h"
#include "tests/catch.h"

namespace tweed {

// What the apps have to do here is small, and tests run beside each other: they get one thread.
[[maybe_unused]] static const int one_thread = setenv("OMP_NUM_THREADS", "1", 0);

Words split(const std::string& text) {
  std::istringstream in(text);
  return Words(std::istream_iterator<std::string>(in), {});
}

Outcome run_app(const std::string& name, const Words& arguments) {
  Words command{program_path(name)};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_program(command);
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

void check_refused(const Outcome& o, const std::string& what, int code) {
  INFO("stderr: " << o.err << "stdout: " << o.out);
  CHECK(o.code == code);
  CHECK(std::count(o.err.begin(), o.err.end(), '\n') == 1);
  CHECK(o.err.find(what) != std::string::npos);
}

}  // namespace tweed
