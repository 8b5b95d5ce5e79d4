#include "record/safetensors.h"

#include <algorithm>
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
    case DType::int32:
      return "I32";
    default:
      return "U8";
  }
}

using NamedTensor = std::pair<std::string, Tensor>;

// Wide elements first, as the reference implementation writes them: each tensor is then aligned to
// its elements, and a reader can use the mapped file as it is.
std::vector<NamedTensor> in_file_order(const SafeTensors& content) {
  std::vector<NamedTensor> order(content.tensors.begin(), content.tensors.end());
  std::stable_sort(order.begin(), order.end(), [](const NamedTensor& a, const NamedTensor& b) {
    return size_of(a.second.dtype()) > size_of(b.second.dtype());
  });
  return order;
}

std::string make_header(const SafeTensors& content, const std::vector<NamedTensor>& order) {
  json header = json::object();  // sorted by key
  if (!content.metadata.empty()) header["__metadata__"] = content.metadata;
  std::size_t offset = 0;
  for (const auto& [name, t] : order) {
    if (name == "__metadata__") throw Error("[write_safetensors] no tensor may be named " + name);
    header[name] = {{"dtype", format_name(t.dtype())},
                    {"shape", std::vector<int64_t>(t.shape().begin(), t.shape().end())},
                    {"data_offsets", {offset, offset + t.bytes()}}};
    offset += t.bytes();
  }
  std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

const void* host_bytes(const Tensor& t) {
  return with_type(t.dtype(), [&]<class T>() -> const void* { return t.read<T>().data(); });
}

}  // namespace

void write_safetensors(const std::string& path, const SafeTensors& content) {
  std::vector<NamedTensor> order = in_file_order(content);
  std::string header = make_header(content, order);
  unsigned char length[8];
  for (int i = 0; i < 8; ++i) length[i] = static_cast<unsigned char>(header.size() >> 8 * i);

  WholeFile file(path);
  file.write(length, sizeof length);
  file.write(header);
  for (const auto& [name, t] : order) {
    Tensor host = t.to(Device{});
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
