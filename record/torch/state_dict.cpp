// Which of a file's dicts has the weights.
#include <algorithm>
#include <vector>

#include "kernels/machine/printable.h"
#include "record/torch/torch_file.h"

namespace tweed {
namespace {

using Kind = PickleValue::Kind;

// What training programs call it, the usual first.
constexpr const char* usual[] = {"state_dict", "model_state_dict", "model",  "net",
                                 "network",    "params",           "weights"};

bool has_tensors(const PickleValue& v) {
  if (!v.is(Kind::dict)) return false;
  for (std::size_t i = 1; i < v.items.size(); i += 2)
    if (v.items[i]->is(Kind::tensor) && v.items[i - 1]->is(Kind::text)) return true;
  return false;
}

struct Found {
  std::string name;
  const PickleValue* dict;
};

// The dicts of tensors right below a dict.
std::vector<Found> found_below(const PickleValue& v) {
  std::vector<Found> found;
  for (std::size_t i = 1; i < v.items.size(); i += 2)
    if (v.items[i - 1]->is(Kind::text) && has_tensors(*v.items[i]))
      found.push_back({v.items[i - 1]->text, v.items[i]});
  return found;
}

}  // namespace

StateDict find_state_dict(const PickleValue& root) {
  if (!root.is(Kind::dict))
    return {.wrong = std::string("it holds ") + kind_text(root.kind) + ", not a dict of tensors"};
  const std::vector<Found> found = found_below(root);
  for (const char* name : usual)
    for (auto& f : found)
      if (f.name == name) return {f.dict, f.name, ""};
  if (has_tensors(root)) return {&root, "", ""};
  if (found.size() == 1) return {found[0].dict, found[0].name, ""};
  if (found.empty()) return {.wrong = "it holds no dict of tensors"};
  std::string names;
  for (auto& f : found) names += (names.empty() ? "" : ", ") + in_quotes(f.name, 40);
  return {.wrong = "it holds " + std::to_string(found.size()) + " dicts of tensors (" +
                   printable(names, 300) + "), and which has the weights is not known"};
}

}  // namespace tweed
