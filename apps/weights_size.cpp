#include "apps/weights_size.h"

#include <filesystem>

#include "apps/app.h"
#include "kernels/machine/printable.h"
#include "record/run_files.h"

namespace tweed::app {

std::string with_commas(int64_t number) {
  std::string text = std::to_string(number);
  const int64_t first = number < 0 ? 1 : 0;
  for (int64_t i = int64_t(text.size()) - 3; i > first; i -= 3) text.insert(std::size_t(i), ",");
  return text;
}

void say_weights_size(const std::string& path, const std::string& shown, int64_t parameters,
                      bool half) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (error) return;
  const std::string size = megabytes(double(bytes)), name = printable(shown);
  say("%s: %s, %s parameters\n", name.c_str(), size.c_str(), with_commas(parameters).c_str());
  if (bytes <= submission_bytes) return;
  const std::string limit = megabytes(double(submission_bytes));
  if (half)
    say_error(
        "note: %s is larger than the %s that coursework may be handed in with, in half "
        "precision: a --model with fewer parameters is smaller\n",
        name.c_str(), limit.c_str());
  else
    say_error(
        "note: %s is larger than the %s that coursework may be handed in with: "
        "--half-weights, of training and of export_weights, writes %s; a --model with fewer "
        "parameters is smaller, too\n",
        name.c_str(), limit.c_str(), megabytes(double(bytes) / 2).c_str());
}

}  // namespace tweed::app
