// The safetensors format: named tensors and strings in one file that PyTorch and others read.
//
// Eight bytes of header length (little-endian), a JSON header, then the tensors' bytes without
// gaps. https://github.com/huggingface/safetensors#format
#pragma once
#include <map>
#include <string>

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

/// Reads F32, F64, BF16, I32 and U8 as they are, F16 as float32, and I64 as int32.
///
/// @throws FormatError  with the file and, in a damaged one, the byte: no such file, a header that
/// is
///                      not as the format says, tensors that overlap, leave gaps, or do not fill
///                      the file, a dtype not listed above, an I64 beyond int32
SafeTensors read_safetensors(const std::string& path);

}  // namespace tweed
