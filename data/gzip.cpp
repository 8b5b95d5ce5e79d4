#include "data/gzip.h"

#include <zlib.h>

#include <algorithm>

#include "data/read_file.h"
#include "kernels/machine/error.h"

namespace tweed {
namespace {

// zlib's state of unpacking.
class Inflater {
 public:
  explicit Inflater(const std::string& from) {
    constexpr int largest_window = 15, with_gzip_header = 16;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(from.data()));
    stream_.avail_in = uInt(from.size());
    ok_ = inflateInit2(&stream_, largest_window + with_gzip_header) == Z_OK;
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  bool ok() const { return ok_; }
  // Unpacks on into `to`; returns zlib's code, and in `bytes` how many there were.
  int go_on(char* to, std::size_t room, std::size_t& bytes) {
    stream_.next_out = reinterpret_cast<Bytef*>(to);
    stream_.avail_out = uInt(room);
    const int code = inflate(&stream_, Z_NO_FLUSH);
    bytes = room - stream_.avail_out;
    return code;
  }

 private:
  z_stream stream_{};
  bool ok_ = false;
};

}  // namespace

std::string read_maybe_gzipped(const std::string& path, uint64_t most) {
  const InputFile file(path);
  const std::string head = file.head(2);
  if (head != "\x1f\x8b") return file.read_all(most);
  const std::string packed = file.read_all(std::min<uint64_t>(most, uint64_t(1) << 31));
  Inflater inflater(packed);
  if (!inflater.ok()) throw Error(printable(path) + ": zlib cannot be started");
  constexpr std::size_t step = 1 << 20;
  std::string content;
  for (int code = Z_OK; code != Z_STREAM_END;) {
    const std::size_t before = content.size();
    content.resize(before + step);
    std::size_t bytes = 0;
    code = inflater.go_on(content.data() + before, step, bytes);
    content.resize(before + bytes);
    if (content.size() > most)
      throw FormatError(path, "unpacks to more than " + std::to_string(most) +
                                  " bytes, the most that is read of such a file");
    if (code == Z_BUF_ERROR || (code == Z_OK && bytes == 0))
      throw FormatError(path, int64_t(packed.size()),
                        "the gzip file ends here, before its content");
    if (code != Z_OK && code != Z_STREAM_END) throw FormatError(path, "is a damaged gzip file");
  }
  return content;
}

}  // namespace tweed
