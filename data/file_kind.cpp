#include "data/file_kind.h"

#include <algorithm>
#include <cctype>

#include "kernels/machine/printable.h"

namespace tweed {
namespace {

using std::string_view;
using namespace std::string_view_literals;

bool has_at(string_view bytes, std::size_t place, string_view what) {
  return bytes.size() >= place + what.size() && bytes.substr(place, what.size()) == what;
}

struct Signature {
  string_view bytes;
  FileKind kind;
};
constexpr Signature signatures[] = {
    {"\xFF\xD8"sv, FileKind::jpeg},
    {"\x89PNG"sv, FileKind::png},
    {"GIF8"sv, FileKind::gif},
    {"II*\0"sv, FileKind::tiff},
    {"MM\0*"sv, FileKind::tiff},
    {"\0\5\x16\7"sv, FileKind::apple_double},
    {"\x93NUMPY"sv, FileKind::numpy},
    {"\x89HDF\r\n\x1a\n"sv, FileKind::hdf5},
    {"\x1F\x8B"sv, FileKind::gzip},
    {"version https://git-lfs"sv, FileKind::lfs_pointer},
    {"\xEF\xBB\xBF"sv, FileKind::utf8_bom},
    {"\xFF\xFE"sv, FileKind::utf16},
    {"\xFE\xFF"sv, FileKind::utf16},
};

FileKind kind_of_zip(string_view head) {
  // torch.save names the first entry FOLDER/data.pkl, numpy.savez NAME.npy.
  if (head.find("/data.pkl") != string_view::npos) return FileKind::pytorch;
  return head.find(".npy") != string_view::npos ? FileKind::npz : FileKind::zip;
}

bool is_pickle(string_view head) {
  return head.size() > 2 && head[0] == '\x80' && head[1] > 0 && head[1] < 6;
}

// Pickled in front of a stream of torch.save before version 1.6: its magic number, 10 bytes long.
bool is_old_pytorch(string_view head) {
  return head.find("\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"sv) != string_view::npos;
}

bool is_html(string_view text) {
  std::string start(text.substr(0, 64));
  std::transform(start.begin(), start.end(), start.begin(),
                 [](unsigned char c) { return char(std::tolower(c)); });
  return start.starts_with("<!doctype html") || start.starts_with("<html") ||
         start.starts_with("<?xml");
}

// A character that the head cut in two is no fault of the text.
bool is_text(string_view head) {
  for (std::size_t cut = 0; cut < 4 && cut < head.size(); ++cut)
    if (is_utf8(head.substr(0, head.size() - cut)))
      return std::none_of(head.begin(), head.end(), [](unsigned char c) {
        return c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f';
      });
  return false;
}

}  // namespace

FileKind file_kind(string_view head) {
  if (head.empty()) return FileKind::empty;
  for (const auto& [bytes, kind] : signatures)
    if (head.starts_with(bytes)) return kind;
  if (head.starts_with("PK\3\4")) return kind_of_zip(head);
  if (head.starts_with("RIFF") && has_at(head, 8, "WEBP")) return FileKind::webp;
  if (has_at(head, 4, "ftyp")) return FileKind::heif;
  if (head.starts_with("BM") && has_at(head, 6, "\0\0\0\0"sv)) return FileKind::bmp;
  if (is_pickle(head)) return is_old_pytorch(head) ? FileKind::pytorch_old : FileKind::pickle;
  if (!is_text(head)) return FileKind::unknown;
  const std::size_t first = head.find_first_not_of(" \t\r\n");
  const string_view text = first == string_view::npos ? string_view() : head.substr(first);
  if (is_html(text)) return FileKind::html;
  return text.starts_with('{') || text.starts_with('[') ? FileKind::json : FileKind::text;
}

const char* description(FileKind kind) {
  switch (kind) {
    case FileKind::unknown:
      return "";
    case FileKind::empty:
      return "empty";
    case FileKind::jpeg:
      return "a JPEG image";
    case FileKind::png:
      return "a PNG image";
    case FileKind::webp:
      return "a WebP image";
    case FileKind::gif:
      return "a GIF image";
    case FileKind::bmp:
      return "a BMP image";
    case FileKind::tiff:
      return "a TIFF image";
    case FileKind::heif:
      return "a HEIF or AVIF image";
    case FileKind::apple_double:
      return "a file that macOS left beside a copied one";
    case FileKind::zip:
      return "a zip archive";
    case FileKind::pytorch:
      return "a file of PyTorch's torch.save";
    case FileKind::pytorch_old:
      return "a file of torch.save before PyTorch 1.6";
    case FileKind::pickle:
      return "a pickle of Python";
    case FileKind::numpy:
      return "a NumPy array";
    case FileKind::npz:
      return "a zip archive of NumPy arrays (.npz)";
    case FileKind::hdf5:
      return "an HDF5 file, as Keras writes them";
    case FileKind::gzip:
      return "compressed by gzip";
    case FileKind::html:
      return "an HTML page, such as a server's error message";
    case FileKind::lfs_pointer:
      return "a pointer of Git LFS to a file that was not fetched (git lfs pull)";
    case FileKind::utf16:
      return "text in UTF-16";
    case FileKind::utf8_bom:
      return "text with a byte order mark";
    case FileKind::json:
      return "JSON text";
    case FileKind::text:
      return "text";
  }
  return "";
}

}  // namespace tweed
