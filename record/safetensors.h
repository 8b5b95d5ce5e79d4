// The safetensors format: named tensors and strings in one file that PyTorch and others read.
//
// Eight bytes of header length (little-endian), a JSON header, then the tensors' bytes without
// gaps. https://github.com/huggingface/safetensors#format
#pragma once
#include <map>
#include <string>

#include "data/read_file.h"
#include "tensor/tensor.h"

namespace tweed {

struct SafeTensors {
  std::map<std::string, Tensor> tensors;  ///< on the cpu after reading; any device when writing
  std::map<std::string, std::string> metadata;
};

/// Writes all or nothing: a reader sees the old file or the new one, whole and on the disk.
/// Equal content gives equal bytes. Axes stay as they are.
///
/// @throws Error  "PATH: cannot be written: REASON"; nothing is left behind then
void write_safetensors(const std::string& path, const SafeTensors& content);

/// An open file whose header has been read, and checked: its tensors fill the file exactly. Tensors
/// are read one by one, so that names and shapes can be compared with a network's before memory is
/// taken, and tensors that are not read may have any dtype.
class SafeTensorsFile {
 public:
  struct Entry {
    std::string dtype;  ///< as the format calls it: "F32"
    Shape shape;
    uint64_t begin = 0, end = 0;  ///< bytes, from the end of the header on
  };

  /// @throws FormatError  with the file and, in a damaged one, the byte: no such file, another kind
  ///                      of file (naming it, and what turns it into safetensors), a header that is
  ///                      not as the format says, tensors that overlap, leave gaps, or do not fill
  ///                      the file
  explicit SafeTensorsFile(const std::string& path);

  const std::string& path() const { return file_.path(); }
  const std::map<std::string, Entry>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// Numbers in all tensors together.
  int64_t elements() const;

  /// Reads a tensor of tensors(): F32, F64, BF16, I32 and U8 as they are, F16 as float32, I64 as
  /// int32. @throws FormatError  for another dtype, an I64 beyond int32
  Tensor read(const std::string& name) const;

 private:
  InputFile file_;
  uint64_t data_ = 0;  // where the tensors' bytes begin
  std::map<std::string, Entry> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// Reads the whole file. @throws FormatError  as SafeTensorsFile does
SafeTensors read_safetensors(const std::string& path);

}  // namespace tweed
