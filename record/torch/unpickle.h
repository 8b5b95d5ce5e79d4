// Pickles of torch.save: tensors in plain containers, and nothing else.
//
// A pickle is a program: it may name any function of Python and have it called. This reader knows
// the opcodes that torch.save writes in protocols 2 to 5 and builds tensors, numbers, text and
// containers of them. Nothing is ever called: the few names that stand for such things are known
// here, and every other is refused.
// Source: Python's pickletools.py
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tweed {

/// Numbers in the file that tensors are views of.
struct TorchStorage {
  std::string key;       ///< its name in the file
  std::string dtype;     ///< as safetensors call it; "" for bytes without a dtype
  uint64_t numbers = 0;  ///< elements of that dtype
  uint64_t begin = 0;    ///< its first element within what the key names
};

/// A view of a storage; all its elements are within it.
struct TorchTensor {
  TorchStorage storage;
  std::string dtype;  ///< of the elements
  uint64_t offset = 0;
  std::vector<uint64_t> sizes, strides;  ///< in elements

  uint64_t elements() const;
  /// From the first to behind the last element that is used.
  uint64_t span() const;
};

/// What a pickle holds. Values refer to each other as the pickle has them, in circles too.
struct PickleValue {
  enum class Kind {
    none,
    boolean,
    integer,
    real,
    text,
    bytes,
    list,
    tuple,
    dict,  ///< items: key, value, key, value, ...
    name,  ///< of a class or function, "torch.FloatStorage"
    storage,
    tensor,
    other  ///< numbers of NumPy, sets, devices: known to be harmless, and of no use here
  };
  Kind kind = Kind::none;
  int64_t integer = 0;
  double real = 0;
  std::string text;
  std::vector<PickleValue*> items;
  std::unique_ptr<TorchTensor> tensor;  ///< of a storage, too, without sizes

  bool is(Kind k) const { return kind == k; }
};

/// A pickle's values, which live as long as it does.
struct Pickle {
  PickleValue* root = nullptr;
  std::size_t size = 0;  ///< bytes that it took
  std::deque<PickleValue> values;
};

/// Reads the pickle that `bytes` begins with.
/// @param fail  is told the place in `bytes` and what is wrong there; must throw
Pickle unpickle(std::string_view bytes,
                const std::function<void(std::size_t place, const std::string& what)>& fail);

/// "a list", for messages.
const char* kind_text(PickleValue::Kind kind);

}  // namespace tweed
