#include "record/safetensors.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "data/whole_file.h"
#include "record/half.h"

namespace tweed {
namespace {

using nlohmann::json;

const char* format_name(DType t) {
  switch (t) {
    case DType::float32:
      return "F32";
    case DType::float64:
      return "F64";
    case DType::bfloat16:
      return "BF16";
    case DType::int32:
      return "I32";
    default:
      return "U8";
  }
}

struct Item {
  std::string name, dtype;
  Tensor tensor;
  bool half;
  std::size_t bytes() const { return half ? std::size_t(tensor.size()) * 2 : tensor.bytes(); }
  std::size_t width() const { return half ? 2 : size_of(tensor.dtype()); }
};

// Wide elements first, as the reference implementation writes them: each tensor is then aligned to
// its elements, and a reader can use the mapped file as it is.
std::vector<Item> in_file_order(const SafeTensors& content) {
  std::vector<Item> order;
  for (const auto& [name, t] : content.tensors) {
    const bool half = content.halves.contains(name) && is_floating(t.dtype());
    order.push_back({name, half ? "F16" : format_name(t.dtype()), t, half});
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const Item& a, const Item& b) { return a.width() > b.width(); });
  return order;
}

std::string make_header(const SafeTensors& content, const std::vector<Item>& order) {
  json header = json::object();  // sorted by key
  if (!content.metadata.empty()) header["__metadata__"] = content.metadata;
  std::size_t offset = 0;
  for (const Item& item : order) {
    if (item.name == "__metadata__")
      throw Error("[write_safetensors] no tensor may be named " + item.name);
    const Shape& shape = item.tensor.shape();
    header[item.name] = {{"dtype", item.dtype},
                         {"shape", std::vector<int64_t>(shape.begin(), shape.end())},
                         {"data_offsets", {offset, offset + item.bytes()}}};
    offset += item.bytes();
  }
  std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

const void* host_bytes(const Tensor& t) {
  return with_type(t.dtype(), [&]<class T>() -> const void* { return t.read<T>().data(); });
}

}  // namespace

std::vector<uint16_t> to_halves(const std::string& name, const Tensor& t) {
  std::vector<uint16_t> halves;
  halves.reserve(std::size_t(t.size()));
  for (double value : t.to_doubles()) {
    halves.push_back(float_to_half(float(value)));
    if (std::isfinite(value) && !std::isfinite(half_to_float(halves.back())))
      throw Error("tensor " + in_quotes(name) + ": " + json(value).dump() +
                  " is beyond what half holds");
  }
  return halves;
}

void write_safetensors(const std::string& path, const SafeTensors& content) {
  const std::vector<Item> order = in_file_order(content);
  std::string header = make_header(content, order);
  unsigned char length[8];
  for (int i = 0; i < 8; ++i) length[i] = static_cast<unsigned char>(header.size() >> 8 * i);

  WholeFile file(path);
  file.write(length, sizeof length);
  file.write(header);
  for (const Item& item : order) {
    const Tensor host = item.tensor.to(Device{});
    if (item.half) {
      const auto halves = to_halves(item.name, host);
      file.write(halves.data(), halves.size() * sizeof halves[0]);
    } else {
      file.write(host_bytes(host), host.bytes());
    }
  }
  file.commit();
}

SafeTensors read_safetensors(const std::string& path) {
  const SafeTensorsFile file(path);
  SafeTensors content;
  content.metadata = file.metadata();
  for (const auto& [name, entry] : file.tensors()) content.tensors[name] = file.read(name);
  return content;
}

}  // namespace tweed
