// The apps as a user runs them, for the tests that do so: commands, small photos, small data.
#pragma once
#include <string>
#include <vector>

#include "tests/apps/process.h"
#include "tests/temporary_folder.h"

namespace tweed {

using Words = std::vector<std::string>;

/// The words between spaces.
Words split(const std::string& text);
Words operator+(Words words, const Words& more);
/// A program with one thread: what it has to do here is small, and tests run beside each other.
Words app_command(const std::string& name);
/// Runs an app to its end.
Outcome run_app(const std::string& name, const Words& arguments);
/// The same, which has to end with exit code 0; without the line that says what it took of DATA.
Outcome succeeded(const std::string& name, const Words& arguments);
/// The arguments of train_miniplaces for a run of a second or less, and `more`.
Words small_run(const std::string& out, const Words& more = {});
/// Trains with them.
Outcome train(const std::string& out, const Words& more = {});

std::string bytes_of(const std::string& path);
void write_text(const std::string& path, const std::string& text);

int line_count(const std::string& text);
/// An app's output but for the line that says what it took of DATA.
std::string without_taken(const std::string& out);
/// Checks that there is one line on stderr that says `what`, and the exit code.
void check_refused(const Outcome& o, const std::string& what, int code = 2);

/// A photo of 40 x 50 pixels with some structure, of a colour that goes with `kind`.
void write_photo(const std::string& path, int kind);
/// Folders of classes a, b and c: ROOT/train with 4 photos each, ROOT/val with 3 each.
void write_data(const std::string& root, int kind = 0);

/// A network trained for a moment on write_data()'s photos of 32 x 32 pixels.
struct TrainedNetwork {
  /// @param model  by default a small one in a JSON file, which takes images of any size
  explicit TrainedNetwork(const std::string& model = "");
  TemporaryFolder folder;
  std::string json = folder.path() + "/net.json";
  std::string data = folder.path() + "/data", out = folder.path() + "/out",
              best = out + "/best.safetensors", photo = folder.path() + "/photo.png";
};

}  // namespace tweed
