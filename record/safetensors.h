// The safetensors format: named tensors and strings in one file that PyTorch and others read.
//
// Eight bytes of header length (little-endian), a JSON header, then the tensors' bytes without
// gaps. https://github.com/huggingface/safetensors#format
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "record/tensor_file.h"

namespace tweed {

struct SafeTensors {
  std::map<std::string, Tensor> tensors;  ///< on the cpu after reading; any device when writing
  std::map<std::string, std::string> metadata;
  /// Of tensors that write_safetensors() rounds to half (F16), in which they take half the room.
  std::set<std::string> halves = {};

  /// The dtype in which a tensor is written, and its elements in that, on the cpu.
  DType dtype_of(const std::string& name) const;
  Tensor as_written(const std::string& name) const;
};

/// A tensor in float16. @throws Error  for a finite number that half does not hold
Tensor to_halves(const std::string& name, const Tensor& t);

/// Writes all or nothing: a reader sees the old file or the new one, whole and on the disk.
/// Equal content gives equal bytes. Axes stay as they are.
///
/// @throws Error  "PATH: cannot be written: REASON"; nothing is left behind then. "tensor
/// 'fc.bias':
///                70000 is beyond what half holds"
void write_safetensors(const std::string& path, const SafeTensors& content);

/// A safetensors file whose header has been read, and checked: its tensors fill the file exactly.
class SafeTensorsFile : public TensorFile {
 public:
  /// @throws FormatError  with the file and, in a damaged one, the byte: no such file, another kind
  ///                      of file (naming it, and what turns it into safetensors), a header that is
  ///                      not as the format says, tensors that overlap, leave gaps, or do not fill
  ///                      the file
  explicit SafeTensorsFile(const std::string& path);

  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  int64_t elements() const override;

 protected:
  void read_numbers(const std::string& name, void* to) const override;
  uint64_t place_of(const std::string& name) const override;
  uint64_t numbers_at(const std::string& name) const override;

 private:
  uint64_t data_ = 0;  // where the tensors' bytes begin
  std::map<std::string, std::string> metadata_;
};

/// Reads the whole file. @throws FormatError  as SafeTensorsFile does
SafeTensors read_safetensors(const std::string& path);

}  // namespace tweed
