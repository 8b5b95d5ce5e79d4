#include "data/pack.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "data/parse_json.h"
#include "data/read_file.h"
#include "data/whole_file.h"
#include "data/workers.h"
#include "kernels/machine/error.h"

namespace tweed {
namespace {

constexpr char magic[9] = "TWEEDPK1";  // the 1 counts versions of pixels and of this format
constexpr std::size_t end_bytes = 16;
constexpr int64_t at_a_time = 256;  // images that are decoded before they are written

// FNV-1a, by words: it is to see changes, not to withstand whoever wants to hide one.
class Hash {
 public:
  void add(uint64_t word) { value_ = (value_ ^ word) * 0x100000001b3u, value_ ^= value_ >> 29; }
  void add(const std::string& text) {
    for (unsigned char c : text) add(uint64_t(c));
    add(uint64_t(text.size()) << 8);
  }
  std::string str() const {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value_));
    return text;
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325u;
};

uint64_t state_of(const std::string& path) {
  struct stat status;
  Hash hash;
  if (::stat(path.c_str(), &status) != 0) return hash.value();
  hash.add(uint64_t(status.st_size));
  hash.add(uint64_t(status.st_mtim.tv_sec));
  hash.add(uint64_t(status.st_mtim.tv_nsec));
  return hash.value();
}

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw FormatError(path, "is no pack of images: " + why);
}

int64_t whole(const nlohmann::json& number, int64_t most, const std::string& path) {
  if (!number.is_number_integer() || number < 0 || number > most)
    refuse(path, "a number is out of bounds");
  return number;
}

Pack parse_description(const std::string& path, const std::string& text) {
  constexpr int64_t most_images = int64_t(1) << 31, most_sum = int64_t(1) << 62;
  Pack pack;
  try {
    const nlohmann::json json = parse_json(path, text, 3);
    pack.side = int(whole(json.at("side"), 1 << 15, path));
    pack.listed = whole(json.at("listed"), most_images, path);
    pack.sources = json.at("sources").get<std::string>();
    for (auto& [index, reason] : json.at("damaged").items()) {
      pack.damaged.push_back(whole(reason.at(0), pack.listed - 1, path));
      pack.reasons.push_back(reason.at(1).get<std::string>());
    }
    for (std::size_t c = 0; c < 3; ++c) {
      pack.sums.sum[c] = uint64_t(whole(json.at("sums").at(c), most_sum, path));
      pack.sums.squares[c] = uint64_t(whole(json.at("squares").at(c), most_sum, path));
    }
  } catch (const nlohmann::json::exception&) {
    refuse(path, "its description lacks something");
  }
  const auto& d = pack.damaged;
  if (pack.side < 1 || std::adjacent_find(d.begin(), d.end(), std::greater_equal<>()) != d.end())
    refuse(path, "its description is none of images");
  return pack;
}

nlohmann::json description_of(const Pack& pack) {
  nlohmann::json damaged = nlohmann::json::array();
  for (std::size_t i = 0; i < pack.damaged.size(); ++i)
    damaged.push_back({pack.damaged[i], pack.reasons[i]});
  return {{"side", pack.side},  {"listed", pack.listed}, {"sources", pack.sources},
          {"damaged", damaged}, {"sums", pack.sums.sum}, {"squares", pack.sums.squares}};
}

// Decodes images first ... first + count - 1 into `pixels`, one after the other, without those that
// are damaged, which are noted in `pack`.
void decode_some(const Dataset& data, int64_t first, int64_t count, int workers, Pack& pack,
                 std::vector<uint8_t>& pixels, const std::function<void(int64_t)>& tick) {
  std::vector<Image> images(static_cast<std::size_t>(count));
  std::map<int64_t, std::string> damaged;
  std::mutex mutex;
  share_out(
      count, workers,
      [&](int64_t i) {
        try {
          images[std::size_t(i)] = data.image(first + i);
        } catch (const FormatError& e) {
          std::lock_guard lock(mutex);
          damaged[first + i] = reason_of(e, data.path(first + i));
        }
      },
      [&](int64_t done) {
        if (tick) tick(first + done);
      });
  pixels.clear();
  for (auto& image : images) {
    pixels.insert(pixels.end(), image.pixels.begin(), image.pixels.end());
    pack.sums.add(image);
  }
  for (auto& [index, reason] : damaged) {
    pack.damaged.push_back(index);
    pack.reasons.push_back(printable(reason, 400));
  }
}

void write_pack(const Dataset& data, const std::string& path, const std::string& sources,
                int workers, const std::function<void(int64_t)>& tick) {
  Pack pack;
  pack.side = data.image_side();
  pack.listed = data.size();
  pack.sources = sources;
  WholeFile file(path);
  std::vector<uint8_t> pixels;
  for (int64_t first = 0; first < data.size(); first += at_a_time) {
    const int64_t count = std::min(at_a_time, data.size() - first);
    decode_some(data, first, count, workers, pack, pixels, tick);
    file.write(pixels.data(), pixels.size());
  }
  const std::string text = description_of(pack).dump();
  const uint64_t bytes = text.size();
  file.write(text);
  file.write(&bytes, sizeof bytes);
  file.write(magic, 8);
  file.commit();
}

}  // namespace

std::string sources_of(const std::vector<Sample>& samples, int workers) {
  // Records of one file follow each other.
  std::vector<std::size_t> files;
  for (std::size_t i = 0; i < samples.size(); ++i)
    if (i == 0 || samples[i].path != samples[i - 1].path) files.push_back(i);
  std::vector<uint64_t> states(files.size());
  constexpr std::size_t piece = 512;
  share_out(int64_t((files.size() + piece - 1) / piece), workers,
            [&](int64_t part) {
              const std::size_t first = std::size_t(part) * piece;
              for (std::size_t i = first; i < std::min(first + piece, files.size()); ++i)
                states[i] = state_of(samples[files[i]].path);
            },
            {});
  Hash hash;
  std::size_t next = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    hash.add(uint64_t(samples[i].record));
    if (next == files.size() || files[next] != i) continue;
    hash.add(samples[i].path);
    hash.add(states[next++]);
  }
  return hash.str();
}

std::string digits_of(const std::string& text) {
  Hash hash;
  hash.add(text);
  return hash.str();
}

Pack read_pack(const std::string& path) {
  const InputFile file(path);
  if (file.size() < end_bytes) refuse(path, "it is too short");
  char end[end_bytes];
  file.read(file.size() - end_bytes, end, end_bytes);
  if (std::memcmp(end + 8, magic, 8) != 0) refuse(path, "it does not end as one");
  uint64_t bytes = 0;
  std::memcpy(&bytes, end, sizeof bytes);
  const uint64_t rest = file.size() - end_bytes;
  if (bytes > std::min(rest, most_text_bytes)) refuse(path, "its description is cut short");
  std::string text(std::size_t(bytes), '\0');
  file.read(rest - bytes, text.data(), text.size());
  Pack pack = parse_description(path, text);
  const uint64_t images = uint64_t(pack.listed) - pack.damaged.size();
  const uint64_t image = 3 * uint64_t(pack.side) * uint64_t(pack.side);
  if (images * image != rest - bytes)
    refuse(path, "it has " + std::to_string(rest - bytes) + " bytes of pixels, not " +
                     std::to_string(images * image));
  pack.pixels = file.map(std::size_t(rest - bytes));
  return pack;
}

std::vector<DamagedImage> use_pack(Dataset& data, const std::string& path, int workers,
                                   const std::function<void(int64_t done)>& tick,
                                   std::string& note) {
  const std::string sources = sources_of(data.samples(), workers);
  auto fitting = [&](Pack pack) -> std::optional<Pack> {
    if (pack.side == data.image_side() && pack.listed == data.size() && pack.sources == sources)
      return pack;
    note = "images or their list have changed";
    return {};
  };
  std::optional<Pack> pack;
  struct stat status;
  if (::lstat(path.c_str(), &status) == 0) {
    try {
      pack = fitting(read_pack(path));
    } catch (const FormatError& e) {
      note = reason_of(e, path);
    }
  }
  if (!pack) {
    write_pack(data, path, sources, workers, tick);
    pack = read_pack(path);
  }
  std::vector<DamagedImage> damaged;
  for (std::size_t i = 0; i < pack->damaged.size(); ++i)
    damaged.push_back({data.path(pack->damaged[i]), pack->reasons[i]});
  data.use_pixels(pack->pixels, pack->damaged, pack->sums);
  return damaged;
}

}  // namespace tweed
