// A graph of ONNX, and the file that it makes.
//
// ONNX files are protocol buffers. The dozen messages that a network needs are written here, field
// by field: that takes less than their description would, and no library.
// Source: onnx.proto3 of ONNX 1.14; opset 17
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/tensor.h"

namespace tweed::onnx {

/// A message of protocol buffers in the making.
class Message {
 public:
  Message& whole(int field, int64_t value);
  Message& real(int field, float value);
  Message& text(int field, std::string_view value);
  Message& part(int field, const Message& value) { return text(field, value.bytes_); }
  const std::string& bytes() const { return bytes_; }

 private:
  void varint(uint64_t value);
  std::string bytes_;
};

/// An attribute of a node: a number, several whole ones, or a word.
struct Attribute {
  Attribute(const char* name, int64_t value);
  Attribute(const char* name, double value);
  Attribute(const char* name, const std::vector<int64_t>& values);
  Attribute(const char* name, const char* word);
  Message message;
};

/// Values have names; a node makes new ones of those that there are.
class Graph {
 public:
  /// @param half  floating constants are kept as halves, which the graph makes floats of
  explicit Graph(bool half) : half_(half) {}

  /// Adds a node of one result. @return  its name
  std::string node(const std::string& kind, const std::vector<std::string>& inputs,
                   const std::vector<Attribute>& attributes = {});
  /// Adds a node of several. @return  their names
  std::vector<std::string> nodes(const std::string& kind, const std::vector<std::string>& inputs,
                                 const std::vector<Attribute>& attributes, int results);
  /// A constant, once for each name. @param t  floating, as float32 in the file; its axes are kept
  std::string constant(const std::string& name, const Tensor& t);
  std::string number(float value);
  std::string numbers(const std::vector<float>& values);
  std::string wholes(const std::vector<int64_t>& values);

  /// The file, whose graph maps `input` to what is called `result` here.
  /// Sizes are those of the axes; 0 stands for "N", any number
  std::string file(const std::string& input, const std::vector<int64_t>& input_sizes,
                   const std::string& result, const std::string& output,
                   const std::vector<int64_t>& output_sizes,
                   const std::map<std::string, std::string>& metadata) const;

 private:
  std::string unused(const std::string& kind);

  bool half_;
  Message nodes_, constants_;
  std::map<std::string, std::string> known_;  // constants, and what to call them by
  int named_ = 0;
};

}  // namespace tweed::onnx
