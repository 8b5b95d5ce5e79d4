#include "record/tensor_file.h"

#include <vector>

#include "data/file_kind.h"
#include "record/safetensors.h"
#include "record/torch/torch_file.h"

namespace tweed {
uint64_t element_bytes(const std::string& dtype) {
  static const std::map<std::string, uint64_t> known = {
      {"F32", 4},     {"F64", 8},     {"BF16", 2}, {"F16", 2}, {"I8", 1},  {"U8", 1},
      {"I16", 2},     {"U16", 2},     {"I32", 4},  {"U32", 4}, {"I64", 8}, {"U64", 8},
      {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"BOOL", 1}, {"C64", 8}};
  auto found = known.find(dtype);
  return found == known.end() ? 0 : found->second;
}

Tensor TensorFile::read_long(const std::string& name) const {
  const Shape& shape = tensors_.at(name).shape;
  std::vector<int64_t> raw(std::size_t(shape.size()));
  read_numbers(name, raw.data());
  std::vector<int32_t> values(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    values[i] = int32_t(raw[i]);
    if (values[i] != raw[i])
      throw FormatError(
          path(), int64_t(numbers_at(name) + 8 * i),
          "tensor " + in_quotes(name) + ": " + std::to_string(raw[i]) + " is beyond int32");
  }
  return Tensor::from(values, shape);
}

Tensor TensorFile::read(const std::string& name) const {
  const Entry& entry = tensors_.at(name);
  if (entry.dtype == "I64") return read_long(name);
  static const std::map<std::string, DType> same = {
      {"F32", DType::float32}, {"F64", DType::float64}, {"BF16", DType::bfloat16},
      {"F16", DType::float16}, {"I32", DType::int32},   {"U8", DType::uint8}};
  auto dtype = same.find(entry.dtype);
  if (dtype == same.end())
    throw FormatError(path(), int64_t(place_of(name)),
                      "tensor " + in_quotes(name) + ": dtype " + printable(entry.dtype, 20) +
                          " is not one of F32, F64, BF16, F16, I32, I64, U8");
  Tensor t = Tensor::empty(entry.shape, dtype->second);
  with_type(t.dtype(), [&]<class T>() { read_numbers(name, t.write<T>().data()); });
  return t;
}

std::unique_ptr<TensorFile> open_tensors(const std::string& path) {
  const FileKind kind = file_kind(InputFile(path).head(1024));
  if (kind == FileKind::pytorch || kind == FileKind::zip || kind == FileKind::pytorch_old)
    return std::make_unique<TorchFile>(path);
  return std::make_unique<SafeTensorsFile>(path);
}

}  // namespace tweed
