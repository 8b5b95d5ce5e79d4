#include "record/safetensors.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "data/whole_file.h"

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
    case DType::float16:
      return "F16";
    case DType::int32:
      return "I32";
    default:
      return "U8";
  }
}

struct Item {
  std::string name;
  Tensor tensor;
  DType dtype;  // in the file
  std::size_t width() const { return size_of(dtype); }
  std::size_t bytes() const { return std::size_t(tensor.size()) * width(); }
};

// Wide elements first, as the reference implementation writes them: each tensor is then aligned to
// its elements, and a reader can use the mapped file as it is.
std::vector<Item> in_file_order(const SafeTensors& content) {
  std::vector<Item> order;
  for (const auto& [name, t] : content.tensors) {
    order.push_back({name, t, content.dtype_of(name)});
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
    header[item.name] = {{"dtype", format_name(item.dtype)},
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

Tensor to_halves(const std::string& name, const Tensor& t) {
  const Tensor halves = t.to(DType::float16);
  const auto values = t.to_doubles(), rounded = halves.to_doubles();
  for (std::size_t i = 0; i < values.size(); ++i)
    if (std::isfinite(values[i]) && !std::isfinite(rounded[i]))
      throw Error("tensor " + in_quotes(name) + ": " + json(values[i]).dump() +
                  " is beyond what half holds");
  return halves;
}

DType SafeTensors::dtype_of(const std::string& name) const {
  const DType own = tensors.at(name).dtype();
  return halves.contains(name) && is_floating(own) ? DType::float16 : own;
}
Tensor SafeTensors::as_written(const std::string& name) const {
  const Tensor host = tensors.at(name).to(Device{});
  return dtype_of(name) == host.dtype() ? host : to_halves(name, host);
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
    const Tensor host = content.as_written(item.name);
    file.write(host_bytes(host), host.bytes());
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
