#include "record/foreign_weights.h"

#include <algorithm>
#include <filesystem>

#include "data/file_kind.h"
#include "kernels/machine/printable.h"

namespace tweed {
namespace {

// One argument of a shell's command line.
std::string shell_word(const std::string& text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || std::string_view("/._-+=:,@%").find(char(c)) != std::string::npos;
  });
  if (plain && !text.empty()) return text;
  std::string word = "'";
  for (char c : text) c == '\'' ? word.append("'\\''") : word.append(1, c);
  word += '\'';
  return word;
}

constexpr const char* from_numpy =
    "import sys, numpy; from safetensors.numpy import save_file; "
    "save_file(dict(numpy.load(sys.argv[1])), sys.argv[2])";

// "; this makes one of it: python3 -c '...' net.pth net.safetensors"
std::string conversion(const std::string& path, const char* program) {
  const std::string to = std::filesystem::path(path).replace_extension(".safetensors");
  // A path that a terminal would act upon, or the file's own name, is left to the user.
  const bool usable = printable(path, path.size()) == path && to != path;
  return "; this makes one of it: python3 -c '" + std::string(program) + "' " +
         (usable ? shell_word(path) + " " + shell_word(to) : "FILE NEW.safetensors");
}

}  // namespace

std::string foreign_weights(const std::string& path, std::string_view head) {
  const FileKind kind = file_kind(head);
  if (kind == FileKind::unknown || kind == FileKind::empty) return "";
  const std::string what = "this is no safetensors file, but " + std::string(description(kind));
  switch (kind) {
    case FileKind::pytorch:
    case FileKind::pytorch_old:
      return what + ", which says nothing of its network: --model NAME does";
    case FileKind::npz:
      return what + conversion(path, from_numpy);
    default:
      return what;
  }
}

}  // namespace tweed
