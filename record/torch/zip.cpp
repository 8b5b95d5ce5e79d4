#include "record/torch/zip.h"

#include <algorithm>
#include <vector>

#include "kernels/machine/error.h"
#include "kernels/machine/printable.h"

namespace tweed {
namespace {

constexpr uint32_t in_zip64_16 = 0xFFFF, in_zip64_32 = 0xFFFFFFFF;
constexpr std::size_t end_size = 22, locator_size = 20, end64_size = 56, central_size = 46,
                      local_size = 30;
constexpr uint64_t most_list_bytes = uint64_t(64) << 20;

[[noreturn]] void fail(const InputFile& file, uint64_t place, const std::string& what) {
  throw FormatError(file.path(), int64_t(place), "the zip archive " + what);
}

// Bytes of the file, with their place in it.
class Bytes {
 public:
  Bytes(const InputFile& file, uint64_t place, uint64_t size) : file_(file), place_(place) {
    if (place > file.size() || size > file.size() - place)
      fail(file, std::min(place, file.size()),
           "has a part of " + std::to_string(size) + " bytes here, which the file ends before");
    bytes_.resize(std::size_t(size));
    file.read(place, bytes_.data(), bytes_.size());
  }
  std::size_t size() const { return bytes_.size(); }
  uint64_t place(std::size_t at) const { return place_ + at; }
  std::string_view view(std::size_t at, std::size_t size) const {
    need(at, size);
    return std::string_view(bytes_).substr(at, size);
  }
  // Little-endian.
  uint64_t number(std::size_t at, std::size_t size) const {
    need(at, size);
    uint64_t n = 0;
    for (std::size_t i = size; i-- > 0;) n = n << 8 | uint8_t(bytes_[at + i]);
    return n;
  }

 private:
  void need(std::size_t at, std::size_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at)
      fail(file_, place_ + bytes_.size(), "has an entry that is cut short");
  }
  const InputFile& file_;
  uint64_t place_;
  std::string bytes_;
};

// The list of entries at the archive's end.
struct Central {
  uint64_t begin = 0, size = 0, entries = 0;
};

Central central_in_zip64(const InputFile& file, uint64_t end_place) {
  if (end_place < locator_size) fail(file, end_place, "says that it is zip64, and is not");
  const Bytes locator(file, end_place - locator_size, locator_size);
  if (locator.view(0, 4) != "PK\6\7")
    fail(file, end_place - locator_size, "says that it is zip64, and is not");
  const uint64_t place = locator.number(8, 8);
  const Bytes end(file, place, end64_size);
  if (end.view(0, 4) != "PK\6\6") fail(file, place, "has no zip64 end of its list here");
  return {end.number(48, 8), end.number(40, 8), end.number(32, 8)};
}

// The end record is the last one; a comment of up to 65,535 bytes may follow it.
Central find_central(const InputFile& file) {
  const uint64_t tail = std::min<uint64_t>(file.size(), end_size + 65535);
  const uint64_t start = file.size() - tail;
  const Bytes bytes(file, start, tail);
  for (std::size_t at = bytes.size() < end_size ? 0 : bytes.size() - end_size + 1; at-- > 0;) {
    if (bytes.view(at, 4) != "PK\5\6" || at + end_size + bytes.number(at + 20, 2) > bytes.size())
      continue;
    const Central plain{bytes.number(at + 16, 4), bytes.number(at + 12, 4),
                        bytes.number(at + 10, 2)};
    const bool large =
        plain.begin == in_zip64_32 || plain.size == in_zip64_32 || plain.entries == in_zip64_16;
    return large ? central_in_zip64(file, bytes.place(at)) : plain;
  }
  fail(file, file.size(), "has no list of its entries at its end: cut short");
}

// One line of the list.
struct Line {
  std::string name;
  uint64_t flags, method, packed, size, local;  // local: where its own header is
};

// Sizes that do not fit 32 bits stand, in this order, in an extra field of kind 1.
void take_zip64(const Bytes& list, std::size_t at, std::size_t size, Line& line) {
  const std::size_t end = at + size;
  while (at + 4 <= end) {
    const uint64_t kind = list.number(at, 2);
    std::size_t field = at + 4;
    at = field + std::size_t(list.number(at + 2, 2));
    if (kind != 1) continue;
    for (uint64_t* value : {&line.size, &line.packed, &line.local})
      if (*value == in_zip64_32) {
        *value = list.number(field, 8);
        field += 8;
      }
    return;
  }
}

Line read_line(const InputFile& file, const Bytes& list, std::size_t& at) {
  if (list.view(at, 4) != "PK\1\2") fail(file, list.place(at), "has no entry of its list here");
  const auto name_size = std::size_t(list.number(at + 28, 2)),
             extra_size = std::size_t(list.number(at + 30, 2)),
             comment_size = std::size_t(list.number(at + 32, 2));
  Line line{std::string(list.view(at + central_size, name_size)),
            list.number(at + 8, 2),
            list.number(at + 10, 2),
            list.number(at + 20, 4),
            list.number(at + 24, 4),
            list.number(at + 42, 4)};
  list.view(at + central_size + name_size, extra_size + comment_size);  // are there
  take_zip64(list, at + central_size + name_size, extra_size, line);
  at += central_size + name_size + extra_size + comment_size;
  return line;
}

ZipEntry entry_of(const InputFile& file, const Line& line, uint64_t place) {
  const std::string entry = "has an entry " + in_quotes(line.name, 80) + " that is ";
  if (line.flags & 1) fail(file, place, entry + "encrypted");
  if (line.method != 0)
    fail(file, place, entry + "compressed; torch.save stores, so load and save it anew");
  if (line.packed != line.size) fail(file, place, entry + "of two sizes");
  const Bytes local(file, line.local, local_size);
  if (local.view(0, 4) != "PK\3\4") fail(file, line.local, entry + "not where the list says");
  const uint64_t begin = line.local + local_size + local.number(26, 2) + local.number(28, 2);
  if (begin > file.size() || line.size > file.size() - begin)
    fail(file, file.size(), entry + "cut short");
  return {begin, line.size};
}

}  // namespace

std::map<std::string, ZipEntry> read_zip(const InputFile& file) {
  const Central central = find_central(file);
  if (central.size > most_list_bytes || central.entries > central.size / central_size)
    fail(file, file.size(),
         "lists " + std::to_string(central.entries) + " entries in " +
             std::to_string(central.size) + " bytes");
  const Bytes list(file, central.begin, central.size);
  std::map<std::string, ZipEntry> entries;
  std::size_t at = 0;
  for (uint64_t i = 0; i < central.entries; ++i) {
    const uint64_t place = list.place(at);
    const Line line = read_line(file, list, at);
    if (!entries.emplace(line.name, entry_of(file, line, place)).second)
      fail(file, place, "has two entries " + in_quotes(line.name, 80));
  }
  return entries;
}

}  // namespace tweed
