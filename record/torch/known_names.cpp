#include "record/torch/known_names.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "kernels/machine/printable.h"
#include "record/tensor_file.h"

namespace tweed {
namespace {

using namespace std::string_literals;
using Kind = PickleValue::Kind;
using Arguments = std::vector<PickleValue*>;

constexpr std::size_t most_axes = 8;

const std::map<std::string, std::string>& storage_dtypes() {
  static const std::map<std::string, std::string> table = {
      {"torch.FloatStorage", "F32"},        {"torch.DoubleStorage", "F64"},
      {"torch.HalfStorage", "F16"},         {"torch.BFloat16Storage", "BF16"},
      {"torch.LongStorage", "I64"},         {"torch.IntStorage", "I32"},
      {"torch.ShortStorage", "I16"},        {"torch.CharStorage", "I8"},
      {"torch.ByteStorage", "U8"},          {"torch.BoolStorage", "BOOL"},
      {"torch.ComplexFloatStorage", "C64"}, {"torch.storage.UntypedStorage", ""}};
  return table;
}

const std::map<std::string, std::string>& torch_dtypes() {
  static const std::map<std::string, std::string> table = {{"torch.float32", "F32"},
                                                           {"torch.float64", "F64"},
                                                           {"torch.float16", "F16"},
                                                           {"torch.bfloat16", "BF16"},
                                                           {"torch.int64", "I64"},
                                                           {"torch.int32", "I32"},
                                                           {"torch.int16", "I16"},
                                                           {"torch.int8", "I8"},
                                                           {"torch.uint8", "U8"},
                                                           {"torch.uint16", "U16"},
                                                           {"torch.uint32", "U32"},
                                                           {"torch.uint64", "U64"},
                                                           {"torch.bool", "BOOL"},
                                                           {"torch.complex64", "C64"},
                                                           {"torch.float8_e4m3fn", "F8_E4M3"},
                                                           {"torch.float8_e5m2", "F8_E5M2"}};
  return table;
}

// Calls of these give nothing that a network has a use for, and would do nothing in Python either.
bool is_harmless(const std::string& name) {
  static const std::set<std::string> names = {"_codecs.encode",
                                              "argparse.Namespace",
                                              "numpy.core.multiarray.scalar",
                                              "numpy._core.multiarray.scalar",
                                              "numpy.dtype",
                                              "torch.device"};
  static const std::set<std::string> types = {"set",   "frozenset", "list",   "dict",
                                              "int",   "float",     "long",   "str",
                                              "bytes", "bytearray", "complex"};
  for (const std::string builtins : {"builtins.", "__builtin__."})
    if (name.starts_with(builtins) && types.contains(name.substr(builtins.size()))) return true;
  return names.contains(name);
}

bool is_whole(const PickleValue& v) { return v.is(Kind::integer) && v.integer >= 0; }

std::string read_sizes(const PickleValue& v, std::vector<uint64_t>& to) {
  if (!v.is(Kind::tuple) || v.items.size() > most_axes ||
      !std::all_of(v.items.begin(), v.items.end(), [](auto* i) { return is_whole(*i); }))
    return "a tensor's sizes and strides are no tuples of up to 8 whole numbers";
  for (const PickleValue* item : v.items) to.push_back(uint64_t(item->integer));
  return "";
}

// Behind the last element that a view uses; false if that is beyond 2^63.
bool end_of_view(const TorchTensor& t, uint64_t& end) {
  end = 0;
  for (uint64_t n : t.sizes)
    if (n == 0) return true;
  end = t.offset;
  for (std::size_t i = 0; i < t.sizes.size(); ++i) {
    uint64_t way = 0;
    if (__builtin_mul_overflow(t.sizes[i] - 1, t.strides[i], &way) ||
        __builtin_add_overflow(end, way, &end))
      return false;
  }
  return ++end < uint64_t(1) << 63;
}

// (storage, offset, sizes, strides, ...), and of version 3 the dtype as the seventh.
std::string rebuild_tensor(const Arguments& arguments, bool with_dtype, PickleValue& result) {
  if (arguments.size() < (with_dtype ? 7 : 4) || !arguments[0]->is(Kind::storage) ||
      !is_whole(*arguments[1]))
    return "a tensor is not made of a storage, an offset, sizes and strides";
  TorchTensor t;
  t.storage = arguments[0]->tensor->storage;
  t.dtype = t.storage.dtype;
  if (with_dtype) {
    t.dtype = arguments[6]->is(Kind::name) ? dtype_of_torch(arguments[6]->text) : "";
    if (!t.storage.dtype.empty() && t.storage.dtype != t.dtype)
      return "a tensor has another dtype than its storage";
    if (!t.dtype.empty()) t.storage.numbers /= element_bytes(t.dtype);
  }
  if (t.dtype.empty()) return "a tensor has no dtype that is known";
  if (t.storage.dtype.empty() && t.storage.begin > 0) return "a view of bytes begins within them";
  t.offset = uint64_t(arguments[1]->integer);
  if (auto wrong = read_sizes(*arguments[2], t.sizes); !wrong.empty()) return wrong;
  if (auto wrong = read_sizes(*arguments[3], t.strides); !wrong.empty()) return wrong;
  if (t.sizes.size() != t.strides.size()) return "a tensor has not as many strides as sizes";
  uint64_t end = 0;
  if (!end_of_view(t, end) || end > t.storage.numbers)
    return "a tensor reaches beyond its storage of " + std::to_string(t.storage.numbers) +
           " numbers";
  uint64_t most = 1;  // elements, were empty axes 1 wide
  for (uint64_t n : t.sizes)
    if (__builtin_mul_overflow(most, std::max<uint64_t>(n, 1), &most) || most >> 62)
      return "a tensor has an impossible shape";
  if (t.elements() > t.storage.numbers)
    return "a tensor has more elements than its storage has numbers: an expanded one is not read";
  result.kind = Kind::tensor;
  result.tensor = std::make_unique<TorchTensor>(std::move(t));
  return "";
}

std::string rebuild_parameter(const Arguments& arguments, PickleValue& result) {
  if (arguments.empty() || !arguments[0]->is(Kind::tensor)) return "a Parameter has no tensor";
  result.kind = Kind::tensor;
  result.tensor = std::make_unique<TorchTensor>(*arguments[0]->tensor);
  return "";
}

// (function, class, arguments, state): a tensor with attributes of Python.
std::string rebuild_from_type(const Arguments& arguments, PickleValue& result) {
  if (arguments.size() != 4 || !arguments[0]->is(Kind::name) || !arguments[2]->is(Kind::tuple) ||
      !arguments[0]->text.starts_with("torch._utils._rebuild_"))
    return "a tensor with attributes is not made of a function, its arguments and a state";
  return call_known(arguments[0]->text, arguments[2]->items, result);
}

// Python 2 gives a list of pairs, others add items later.
std::string make_dict(const Arguments& arguments, PickleValue& result) {
  result.kind = Kind::dict;
  if (arguments.empty() || !arguments[0]->is(Kind::list)) return "";
  // The list is used up: a small pickle cannot have a long one copied again and again.
  for (const PickleValue* pair : std::exchange(arguments[0]->items, {})) {
    if (!(pair->is(Kind::list) || pair->is(Kind::tuple)) || pair->items.size() != 2)
      return "an OrderedDict is not made of pairs";
    result.items.insert(result.items.end(), pair->items.begin(), pair->items.end());
  }
  return "";
}

using Call = std::string (*)(const Arguments&, PickleValue&);
const std::map<std::string, Call>& calls() {
  static constexpr Call plain = [](const Arguments& a, PickleValue& r) {
    return rebuild_tensor(a, false, r);
  };
  static const std::map<std::string, Call> table = {
      {"torch._utils._rebuild_tensor", plain},
      {"torch._utils._rebuild_tensor_v2", plain},
      {"torch._utils._rebuild_tensor_v3",
       [](const Arguments& a, PickleValue& r) { return rebuild_tensor(a, true, r); }},
      {"torch._utils._rebuild_parameter", rebuild_parameter},
      {"torch._utils._rebuild_parameter_with_state", rebuild_parameter},
      {"torch._tensor._rebuild_from_type_v2", rebuild_from_type},
      {"collections.OrderedDict", make_dict},
      {"collections.defaultdict", make_dict},
      {"collections.Counter", make_dict},
      {"torch.Size", [](const Arguments& a, PickleValue& r) {
         r.kind = Kind::tuple;
         if (!a.empty() && a[0]->items.size() > most_axes)
           return "a torch.Size has more than 8 axes"s;
         if (!a.empty()) r.items = a[0]->items;
         return ""s;
       }}};
  return table;
}

bool is_class(const std::string& name) {
  return name == "torch.Tensor" || name == "torch.nn.parameter.Parameter" ||
         name == "torch._C._TensorBase";
}

}  // namespace

std::string dtype_of_storage(const std::string& name) {
  auto found = storage_dtypes().find(name);
  return found == storage_dtypes().end() ? "" : found->second;
}

std::string dtype_of_torch(const std::string& name) {
  auto found = torch_dtypes().find(name);
  return found == torch_dtypes().end() ? "" : found->second;
}

bool is_known_name(const std::string& name) {
  return storage_dtypes().contains(name) || torch_dtypes().contains(name) ||
         calls().contains(name) || is_class(name) || is_harmless(name);
}

std::string call_known(const std::string& name, const Arguments& arguments, PickleValue& result) {
  if (auto found = calls().find(name); found != calls().end())
    return found->second(arguments, result);
  if (!is_harmless(name)) return in_quotes(name, 80) + " is no function that is known here";
  result.kind = Kind::other;
  return "";
}

// ("storage", type, key, where it was, numbers), in the older stream with None or a view's
// (key, offset, numbers) at its end.
std::string find_storage(const PickleValue& id, PickleValue& result) {
  const auto& parts = id.items;
  const bool fits = id.is(Kind::tuple) && parts.size() >= 5 && parts[0]->text == "storage" &&
                    parts[1]->is(Kind::name) && storage_dtypes().contains(parts[1]->text) &&
                    parts[2]->is(Kind::text) && parts[2]->text.size() <= 100 && is_whole(*parts[4]);
  if (!fits) return "a persistent id is no storage of numbers";
  auto t = std::make_unique<TorchTensor>();
  t->storage = {parts[2]->text, dtype_of_storage(parts[1]->text), uint64_t(parts[4]->integer), 0};
  if (parts.size() > 5 && !parts[5]->is(Kind::none)) {
    const auto& view = parts[5]->items;
    if (!parts[5]->is(Kind::tuple) || view.size() != 3 || !is_whole(*view[1]) ||
        !is_whole(*view[2]) || t->storage.numbers < uint64_t(view[1]->integer) ||
        t->storage.numbers - uint64_t(view[1]->integer) < uint64_t(view[2]->integer))
      return "a view of a storage reaches beyond it";
    t->storage.begin = uint64_t(view[1]->integer);
    t->storage.numbers = uint64_t(view[2]->integer);
  }
  result.kind = Kind::storage;
  result.tensor = std::move(t);
  return "";
}

}  // namespace tweed
