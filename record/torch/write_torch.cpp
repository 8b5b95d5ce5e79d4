#include "record/torch/write_torch.h"

#include <array>
#include <vector>

#include "data/whole_file.h"

namespace tweed {
namespace {

std::string little(uint64_t value, int bytes) {
  std::string text;
  for (; bytes-- > 0; value >>= 8) text += char(value);
  return text;
}

// ---- the pickle, of protocol 2 -----------------------------------------------------------------

std::string text(const std::string& t) { return "X" + little(t.size(), 4) + t; }
std::string number(int64_t n) {
  return n < 0x80000000ll ? "J" + little(uint64_t(n), 4) : "\x8a\x08" + little(uint64_t(n), 8);
}
std::string name(const std::string& module, const std::string& what) {
  return "c" + module + "\n" + what + "\n";
}
std::string numbers(const std::vector<int64_t>& list) {
  std::string code = "(";
  for (int64_t n : list) code += number(n);
  return code + "t";
}

const char* storage_of(DType t) {
  switch (t) {
    case DType::float32:
      return "FloatStorage";
    case DType::float64:
      return "DoubleStorage";
    case DType::bfloat16:
      return "BFloat16Storage";
    case DType::float16:
      return "HalfStorage";
    case DType::int32:
      return "IntStorage";
    default:
      return "ByteStorage";
  }
}

// torch._utils._rebuild_tensor_v2(storage, 0, sizes, strides, False, OrderedDict())
std::string tensor(const std::string& key, const char* storage, const Shape& shape) {
  std::vector<int64_t> sizes(shape.begin(), shape.end()), strides(sizes.size(), 1);
  for (std::size_t i = sizes.size(); i-- > 1;)
    strides[i - 1] = strides[i] * std::max<int64_t>(sizes[i], 1);
  return name("torch._utils", "_rebuild_tensor_v2") + "((" + text("storage") +
         name("torch", storage) + text(key) + text("cpu") + number(shape.size()) + "tQ" +
         number(0) + numbers(sizes) + numbers(strides) + "\x89" +
         name("collections", "OrderedDict") + ")RtR";
}

// ---- the archive -------------------------------------------------------------------------------

uint32_t check_sum(std::string_view bytes) {
  static const auto table = [] {
    std::array<uint32_t, 256> t{};
    for (uint32_t i = 0; i < 256; ++i) {
      t[i] = i;
      for (int bit = 0; bit < 8; ++bit) t[i] = t[i] >> 1 ^ (t[i] & 1 ? 0xEDB88320u : 0);
    }
    return t;
  }();
  uint32_t sum = ~0u;
  for (unsigned char c : bytes) sum = table[(sum ^ c) & 255] ^ sum >> 8;
  return ~sum;
}

class ZipWriter {
 public:
  explicit ZipWriter(const std::string& path) : path_(path), file_(path) {}

  // Contents begin at multiples of 64 bytes, as torch.save's do: a mapped file can be used as it
  // is.
  void add(const std::string& name, std::string_view content) {
    const uint64_t header =
        30 + name.size() + 4;  // with the head of an extra field, which fills up
    const uint64_t padding = (64 - (at_ + header) % 64) % 64;
    const std::string sizes = little(check_sum(content), 4) + little(content.size(), 4) +
                              little(content.size(), 4) + little(name.size(), 2);
    // Version 2.0, names in UTF-8, stored, the first of January 1980.
    const std::string facts = little(20, 2) + little(0x800, 2) + little(0, 4) + little(0x21, 2);
    list_ +=
        "PK\1\2" + little(20, 2) + facts + sizes + std::string(12, '\0') + little(at_, 4) + name;
    write("PK\3\4" + facts + sizes + little(4 + padding, 2) + name + "FB" + little(padding, 2) +
          std::string(padding, 'Z'));
    write(content);
    ++entries_;
    if (at_ + list_.size() > 0xFFFFFFF0u || entries_ > 65000)
      throw Error(path_ + ": cannot be written: more than 4 GiB, or 65,000 tensors");
  }
  void finish() {
    const std::string count = little(entries_, 2);
    const uint64_t list = at_, size = list_.size();
    write(list_);
    write("PK\5\6" + std::string(4, '\0') + count + count + little(size, 4) + little(list, 4) +
          std::string(2, '\0'));
    file_.commit();
  }

 private:
  void write(std::string_view bytes) {
    file_.write(bytes);
    at_ += bytes.size();
  }
  std::string path_;
  WholeFile file_;
  std::string list_;
  uint64_t at_ = 0, entries_ = 0;
};

std::string raw_bytes(const Tensor& host) {
  return with_type(host.dtype(), [&]<class T>() {
    const auto values = host.read<T>();
    return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  });
}

}  // namespace

void write_torch(const std::string& path, const SafeTensors& content) {
  std::string pickle = "\x80\x02}(";
  int64_t key = 0;
  for (auto& [name, t] : content.tensors)
    pickle +=
        text(name) + tensor(std::to_string(key++), storage_of(content.dtype_of(name)), t.shape());
  const std::string folder = "archive/";
  ZipWriter zip(path);
  zip.add(folder + "data.pkl", pickle + "u.");
  zip.add(folder + "byteorder", "little");
  key = 0;
  for (auto& [name, t] : content.tensors)
    zip.add(folder + "data/" + std::to_string(key++), raw_bytes(content.as_written(name)));
  zip.add(folder + "version", "3\n");
  zip.finish();
}

}  // namespace tweed
