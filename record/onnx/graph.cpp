#include "record/onnx/graph.h"

#include <bit>
#include <cstring>

#include "record/safetensors.h"

namespace tweed::onnx {
namespace {

// Numbers of onnx.proto3's enumerations.
constexpr int64_t type_float = 1, type_int64 = 7, type_half = 10;
constexpr int64_t attribute_float = 1, attribute_int = 2, attribute_text = 3, attribute_ints = 7;
constexpr int64_t ir_version = 8, opset = 17;
constexpr std::size_t most_bytes = 0x7fffffff;  // of a message of protocol buffers

std::string bytes_of(const void* data, std::size_t size) {
  return {static_cast<const char*>(data), size};
}

Message tensor(const std::string& name, int64_t type, const Shape& shape, const std::string& raw) {
  Message m;
  for (int64_t n : shape) m.whole(1, n);
  m.whole(2, type).text(8, name).text(9, raw);
  return m;
}

// What a graph takes or gives: float tensors.
Message value(const std::string& name, const std::vector<int64_t>& sizes) {
  Message shape;
  for (int64_t n : sizes) {
    Message size;
    n ? size.whole(1, n) : size.text(2, "N");
    shape.part(1, size);
  }
  Message type, tensor_type, m;
  tensor_type.whole(1, type_float).part(2, shape);
  type.part(1, tensor_type);
  m.text(1, name).part(2, type);
  return m;
}

}  // namespace

void Message::varint(uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_ += char(value | 0x80);
  bytes_ += char(value);
}
Message& Message::whole(int field, int64_t value) {
  varint(uint64_t(field) << 3);
  varint(uint64_t(value));
  return *this;
}
Message& Message::real(int field, float value) {
  varint(uint64_t(field) << 3 | 5);
  for (uint32_t bits = std::bit_cast<uint32_t>(value), i = 0; i < 4; ++i, bits >>= 8)
    bytes_ += char(bits);
  return *this;
}
Message& Message::text(int field, std::string_view value) {
  varint(uint64_t(field) << 3 | 2);
  varint(value.size());
  bytes_ += value;
  return *this;
}

Attribute::Attribute(const char* name, int64_t value) {
  message.text(1, name).whole(3, value).whole(20, attribute_int);
}
Attribute::Attribute(const char* name, double value) {
  message.text(1, name).real(2, float(value)).whole(20, attribute_float);
}
Attribute::Attribute(const char* name, const std::vector<int64_t>& values) {
  message.text(1, name);
  for (int64_t v : values) message.whole(8, v);
  message.whole(20, attribute_ints);
}

Attribute::Attribute(const char* name, const char* word) {
  message.text(1, name).text(4, word).whole(20, attribute_text);
}

std::string Graph::unused(const std::string& kind) { return kind + "_" + std::to_string(named_++); }

std::vector<std::string> Graph::nodes(const std::string& kind,
                                      const std::vector<std::string>& inputs,
                                      const std::vector<Attribute>& attributes, int results) {
  std::vector<std::string> names;
  Message m;
  for (auto& input : inputs) m.text(1, input);
  for (int i = 0; i < results; ++i) {
    names.push_back(unused(kind));
    m.text(2, names.back());
  }
  m.text(3, names[0]).text(4, kind);
  for (auto& attribute : attributes) m.part(5, attribute.message);
  nodes_.part(1, m);
  return names;
}

std::string Graph::node(const std::string& kind, const std::vector<std::string>& inputs,
                        const std::vector<Attribute>& attributes) {
  return nodes(kind, inputs, attributes, 1)[0];
}

std::string Graph::constant(const std::string& name, const Tensor& t) {
  if (auto found = known_.find(name); found != known_.end()) return found->second;
  const Tensor floats = t.to(Device{}).to(DType::float32);
  if (!half_) {
    const auto values = floats.read<float>();
    constants_.part(5, tensor(name, type_float, t.shape(),
                              bytes_of(values.data(), values.size() * sizeof(float))));
    return known_[name] = name;
  }
  const Tensor halves = to_halves(name, floats);
  constants_.part(
      5, tensor(name, type_half, t.shape(), bytes_of(halves.read<f16>().data(), halves.bytes())));
  return known_[name] = node("Cast", {name}, {{"to", type_float}});
}

std::string Graph::number(float value) {
  const std::string name = unused("number");
  constants_.part(5, tensor(name, type_float, {}, bytes_of(&value, sizeof value)));
  return name;
}

std::string Graph::numbers(const std::vector<float>& values) {
  const std::string name = unused("numbers");
  constants_.part(5, tensor(name, type_float, {int64_t(values.size())},
                            bytes_of(values.data(), values.size() * sizeof(float))));
  return name;
}

std::string Graph::wholes(const std::vector<int64_t>& values) {
  const std::string name = unused("wholes");
  constants_.part(5, tensor(name, type_int64, {int64_t(values.size())},
                            bytes_of(values.data(), values.size() * sizeof(int64_t))));
  return name;
}

std::string Graph::file(const std::string& input, const std::vector<int64_t>& input_sizes,
                        const std::string& result, const std::string& output,
                        const std::vector<int64_t>& output_sizes,
                        const std::map<std::string, std::string>& metadata) const {
  Message last, graph, version, model;
  last.text(1, result).text(2, output).text(3, output).text(4, "Identity");
  std::string parts = nodes_.bytes();
  Message rest;
  rest.part(1, last).text(2, "tweed");
  parts += rest.bytes() + constants_.bytes();
  Message ends;
  ends.part(11, value(input, input_sizes)).part(12, value(output, output_sizes));
  parts += ends.bytes();
  version.text(1, "").whole(2, opset);
  model.whole(1, ir_version).text(2, "tweed").text(7, parts).part(8, version);
  for (auto& [key, text] : metadata) {
    Message entry;
    entry.text(1, key).text(2, text);
    model.part(14, entry);
  }
  if (model.bytes().size() > most_bytes)
    throw Error("the network takes more than 2 GiB, which an ONNX file cannot");
  return model.bytes();
}

}  // namespace tweed::onnx
