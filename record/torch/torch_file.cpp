#include "record/torch/torch_file.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "data/file_kind.h"
#include "kernels/machine/error.h"
#include "kernels/machine/printable.h"
#include "record/torch/zip.h"

namespace tweed {
namespace {

using Kind = PickleValue::Kind;

constexpr std::string_view magic{"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10};
constexpr uint64_t most_pickle_bytes = uint64_t(64) << 20;

}  // namespace

void TorchFile::fail(uint64_t place, const std::string& what) const {
  throw FormatError(path(), int64_t(place), what);
}

TorchFile::TorchFile(const std::string& path) : TensorFile(path) {
  static_assert(std::endian::native == std::endian::little);
  file_.head(2) == "PK" ? open_zip() : open_stream();
}

// ---- the zip archive ---------------------------------------------------------------------------

void TorchFile::open_zip() {
  const auto entries = read_zip(file_);
  const std::string end = "/data.pkl";
  const auto pickle = std::find_if(entries.begin(), entries.end(), [&](auto& e) {
    return e.first.ends_with(end) && e.first.find('/') == e.first.size() - end.size();
  });
  if (pickle == entries.end())
    fail(0, "this is a zip archive, but has no data.pkl, so torch.save did not write it");
  const std::string folder = pickle->first.substr(0, pickle->first.size() - end.size() + 1);
  if (auto order = entries.find(folder + "byteorder"); order != entries.end()) {
    char first = 0;
    if (order->second.size > 0) file_.read(order->second.begin, &first, 1);
    if (first != 'l') fail(order->second.begin, "its numbers are not in little-endian order");
  }
  Places places;
  const std::string data = folder + "data/";
  for (auto& [name, entry] : entries)
    if (name.starts_with(data)) places[name.substr(data.size())] = {entry.begin, entry.size};
  const auto& [begin, size] = pickle->second;
  if (size > most_pickle_bytes)
    fail(begin, "its pickle has " + std::to_string(size) + " bytes, more than are read");
  std::string bytes(std::size_t(size), '\0');
  file_.read(begin, bytes.data(), bytes.size());
  const uint64_t start = begin;
  take(unpickle(bytes, [&](std::size_t at, const std::string& what) { fail(start + at, what); }),
       begin, places);
}

// ---- the stream --------------------------------------------------------------------------------

void TorchFile::open_stream() {
  const std::string bytes = file_.head(most_pickle_bytes);
  std::size_t at = 0;
  const auto next = [&] {
    const std::size_t start = at;
    Pickle p =
        unpickle(std::string_view(bytes).substr(start),
                 [&](std::size_t place, const std::string& what) { fail(start + place, what); });
    at += p.size;
    return p;
  };
  if (bytes.find(magic) > 8) fail(0, "this is a pickle of Python, but not of torch.save");
  next();  // the magic number
  const Pickle version = next();
  if (!version.root->is(Kind::integer) || version.root->integer != 1001)
    fail(at, "it is of a version of torch.save's stream that is not known");
  const Pickle system = next();
  const auto& notes = system.root->items;
  for (std::size_t i = 1; i < notes.size(); i += 2)
    if (notes[i - 1]->text == "little_endian" && notes[i]->integer != 1)
      fail(at, "its numbers are not in little-endian order");
  const uint64_t place = at;
  const Pickle content = next();
  const Pickle keys = next();
  take(content, place, read_storages(at, *keys.root, content));
}

// Counts, each before its numbers. The keys say whose they are, and the content what numbers.
TorchFile::Places TorchFile::read_storages(uint64_t at, const PickleValue& keys,
                                           const Pickle& content) const {
  std::map<std::string, uint64_t> widths;
  for (auto& v : content.values)
    if (v.is(Kind::storage)) widths[v.tensor->storage.key] = element_bytes(v.tensor->storage.dtype);
  if (!keys.is(Kind::list)) fail(at, "the keys of its storages are no list");
  Places places;
  for (const PickleValue* key : keys.items) {
    const auto width = widths.find(key->text);
    if (width == widths.end() || width->second == 0)
      fail(at, "it has a storage " + in_quotes(key->text, 40) + " that no tensor names");
    uint64_t count = 0, size = 0;
    file_.read(at, &count, sizeof count);
    at += sizeof count;
    if (__builtin_mul_overflow(count, width->second, &size) || size > file_.size() - at)
      fail(at, "the file ends before the " + std::to_string(count) +
                   " numbers of the storage that begins here: cut short");
    places[key->text] = {at, size};
    at += size;
  }
  return places;
}

// ---- the tensors -------------------------------------------------------------------------------

void TorchFile::take(const Pickle& content, uint64_t place, const Places& places) {
  pickle_ = place;
  const StateDict state = find_state_dict(*content.root);
  if (!state.dict) fail(place, state.wrong);
  if (!state.name.empty())
    note_ = "the weights are what the file holds as " + in_quotes(state.name, 80);
  const auto& items = state.dict->items;
  for (std::size_t i = 1; i < items.size(); i += 2)
    if (items[i - 1]->is(Kind::text) && items[i]->is(Kind::tensor))
      add(items[i - 1]->text, *items[i]->tensor, place, places);
  for (auto& [key, used] : used_) stored_ += used.size;
}

void TorchFile::add(const std::string& name, const TorchTensor& t, uint64_t place,
                    const Places& places) {
  const uint64_t width = element_bytes(t.dtype);
  const auto found = places.find(t.storage.key);
  if (found == places.end())
    fail(place, "tensor " + in_quotes(name) + ": its storage " + in_quotes(t.storage.key, 40) +
                    " is not in the file");
  const auto& [begin, size] = found->second;
  // Both counts are of elements: in a damaged pickle their sum may be beyond all bounds.
  if (t.storage.begin > size / width || t.storage.numbers > size / width - t.storage.begin)
    fail(begin, "tensor " + in_quotes(name) + ": its storage has " + std::to_string(size) +
                    " bytes, too few for " + std::to_string(t.storage.numbers) + " numbers of " +
                    t.dtype);
  Entry entry{t.dtype, {}, 0, 0};
  for (uint64_t n : t.sizes) entry.shape.append(int64_t(n));
  entry.begin = begin + (t.storage.begin + t.offset) * width;
  entry.end = entry.begin + t.span() * width;
  tensors_.insert_or_assign(name, entry);
  views_.insert_or_assign(name, t);
  used_[t.storage.key] = {begin, size / width};
}

int64_t TorchFile::elements() const { return int64_t(stored_); }

uint64_t TorchFile::numbers_at(const std::string& name) const { return tensors_.at(name).begin; }

void TorchFile::read_numbers(const std::string& name, void* to) const {
  const TorchTensor& t = views_.at(name);
  const Entry& entry = tensors_.at(name);
  const uint64_t width = element_bytes(t.dtype), count = t.elements();
  if (count == 0) return;
  uint64_t dense = 1;  // strides of a tensor without gaps, from the last axis on
  bool is_dense = true;
  for (std::size_t axis = t.sizes.size(); axis-- > 0; dense *= t.sizes[axis])
    is_dense = is_dense && (t.sizes[axis] == 1 || t.strides[axis] == dense);
  if (is_dense) return file_.read(entry.begin, to, std::size_t(count * width));

  std::string span(std::size_t(entry.end - entry.begin), '\0');
  file_.read(entry.begin, span.data(), span.size());
  auto* next = static_cast<char*>(to);
  for (uint64_t i = 0; i < count; ++i, next += width) {
    uint64_t from = 0, rest = i;
    for (std::size_t axis = t.sizes.size(); axis-- > 0; rest /= t.sizes[axis])
      from += rest % t.sizes[axis] * t.strides[axis];
    std::memcpy(next, span.data() + from * width, std::size_t(width));
  }
}

}  // namespace tweed
