// Files of named tensors, whatever their format.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "data/read_file.h"
#include "tensor/tensor.h"

namespace tweed {

/// An open file whose list of tensors has been read, and checked against its size. Tensors are read
/// one by one, so that names and shapes can be compared with a network's before memory is taken,
/// and tensors that are not read may have any dtype.
class TensorFile {
 public:
  struct Entry {
    std::string dtype;  ///< as safetensors call it: "F32"
    Shape shape;
    uint64_t begin = 0, end = 0;  ///< bytes, from the end of a safetensors file's header on
  };

  virtual ~TensorFile() = default;
  const std::string& path() const { return file_.path(); }
  const std::map<std::string, Entry>& tensors() const { return tensors_; }
  /// Numbers in the file, in all tensors together.
  virtual int64_t elements() const = 0;
  /// What was passed over to get at the tensors, a sentence for the user to see; "" if nothing.
  virtual std::string note() const { return ""; }

  /// Reads a tensor of tensors(): F32, F64, BF16, F16, I32 and U8 as they are, I64 as int32.
  /// @throws FormatError  for another dtype, an I64 beyond int32
  Tensor read(const std::string& name) const;

 protected:
  explicit TensorFile(const std::string& path) : file_(path) {}
  /// Reads a tensor's numbers one after another, as the file has them.
  virtual void read_numbers(const std::string& name, void* to) const = 0;
  /// The bytes of the file where a tensor is described, and where its numbers begin: for messages.
  virtual uint64_t place_of(const std::string& name) const = 0;
  virtual uint64_t numbers_at(const std::string& name) const = 0;

  InputFile file_;
  std::map<std::string, Entry> tensors_;

 private:
  Tensor read_long(const std::string& name) const;
};

/// Bytes of an element of safetensors' dtypes. Of others, which later versions may bring, nothing
/// is known: 0.
uint64_t element_bytes(const std::string& dtype);

/// Opens a file of tensors: safetensors, or what PyTorch's torch.save wrote, in either of its
/// forms. What it is says its content, not its name. @throws FormatError  as the readers do
std::unique_ptr<TensorFile> open_tensors(const std::string& path);

}  // namespace tweed
