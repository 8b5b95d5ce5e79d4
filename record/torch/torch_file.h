// Files of PyTorch's torch.save: ".pth", ".pt", ".pth.tar", ".bin", ".th".
//
// Since version 1.6 such a file is a zip archive: FOLDER/data.pkl is a pickle whose tensors name
// storages, and FOLDER/data/KEY has the numbers of each. Before, it was a stream: a magic number, a
// version and notes on the system, each a pickle, then the pickle of the content, one of the
// storages' keys, and each storage's numbers behind their count.
#pragma once
#include "record/tensor_file.h"
#include "record/torch/unpickle.h"

namespace tweed {

/// The tensors of a state dict. It may be what was saved or lie in it, as "state_dict" or "model"
/// beside an optimizer's state, say: note() tells.
class TorchFile : public TensorFile {
 public:
  /// @throws FormatError  with the file and the byte: no file of torch.save, a damaged one, a
  ///                      pickle that asks for anything but tensors and plain containers (naming it), no
  ///                      state dict in it or several, a tensor beyond its storage, another byte
  ///                      order
  explicit TorchFile(const std::string& path);

  int64_t elements() const override;
  std::string note() const override { return note_; }

 protected:
  void read_numbers(const std::string& name, void* to) const override;
  uint64_t place_of(const std::string&) const override { return pickle_; }
  uint64_t numbers_at(const std::string& name) const override;

 private:
  struct Place {
    uint64_t begin = 0, size = 0;  // of a storage's bytes
  };
  using Places = std::map<std::string, Place>;

  void open_zip();
  void open_stream();
  Places read_storages(uint64_t at, const PickleValue& keys, const Pickle& content) const;
  void take(const Pickle& content, uint64_t place, const Places& places);
  void add(const std::string& name, const TorchTensor& t, uint64_t place, const Places& places);
  [[noreturn]] void fail(uint64_t place, const std::string& what) const;

  std::map<std::string, TorchTensor> views_;
  uint64_t pickle_ = 0;  // where the content's pickle begins
  uint64_t stored_ = 0;  // numbers in the storages of all tensors, each once
  std::map<std::string, Place> used_;
  std::string note_;
};

/// The dict of tensors in what was saved.
struct StateDict {
  const PickleValue* dict = nullptr;
  std::string name;   ///< of the key that it lies under; "" for the whole
  std::string wrong;  ///< why there is none
};
StateDict find_state_dict(const PickleValue& root);

}  // namespace tweed
