#include "record/match.h"

#include <algorithm>
#include <set>

#include "kernels/machine/error.h"
#include "kernels/machine/printable.h"
#include "record/fit.h"

namespace tweed {
namespace {

// What may stand before the names of a network in the file: "", or what is before a tensor that is
// called like one of the network's first.
std::set<std::string> possible_prefixes(const TensorFile& file, const std::vector<Named>& network) {
  constexpr std::size_t first_names = 2, most_prefixes = 32;
  std::set<std::string> prefixes;
  for (std::size_t i = 0; i < std::min(first_names, network.size()); ++i)
    for (auto& [name, entry] : file.tensors())
      if (prefixes.size() < most_prefixes && name.ends_with("." + network[i].name))
        prefixes.insert(name.substr(0, name.size() - network[i].name.size()));
  return prefixes;
}

std::string best_prefix(const TensorFile& file, const std::vector<Named>& network) {
  const auto found = [&](const std::string& prefix) {
    return std::count_if(network.begin(), network.end(),
                         [&](const Named& n) { return file.tensors().contains(prefix + n.name); });
  };
  std::string best;
  auto most = found("");
  for (auto& prefix : possible_prefixes(file, network))
    if (const auto count = found(prefix); count > most) most = count, best = prefix;
  return best;
}

}  // namespace

std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t most = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(most, names.size()); ++i)
    text += (i ? ", " : "") + in_quotes(names[i], 80);
  if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
  return text;
}

Match match_tensors(const TensorFile& file, const std::vector<Named>& network) {
  Match match;
  match.prefix = best_prefix(file, network);
  std::set<std::string> used;
  for (auto& n : network) {
    const auto found = file.tensors().find(match.prefix + n.name);
    if (found == file.tensors().end()) {
      if (!may_be_missing(n.name)) match.missing.push_back(n.name);
      continue;
    }
    used.insert(found->first);
    const Shape shape = our_shape(found->second.shape, n.tensor.shape());
    if (shape == n.tensor.shape())
      match.alike.push_back(n);
    else
      match.different.push_back({n.name, shape, n.tensor.shape()});
  }
  for (auto& [name, entry] : file.tensors())
    if (!used.contains(name)) match.unexpected.push_back(name);
  return match;
}

std::vector<std::string> Match::notes() const {
  std::vector<std::string> notes;
  if (!prefix.empty())
    notes.push_back("the names in the file begin with " + in_quotes(prefix) +
                    ", which was taken off");
  if (unexpected.size() == 1)
    notes.push_back("the network has no use for the tensor " + in_quotes(unexpected[0]));
  if (unexpected.size() > 1)
    notes.push_back("the network has no use for " + std::to_string(unexpected.size()) +
                    " of the file's tensors: " + some_of(unexpected));
  return notes;
}

void check_complete(const TensorFile& file, const Match& match, const std::string& model) {
  const std::string of_all = " of " + std::to_string(match.total()) + ")";
  const std::string not_for = ", so it is not for " + printable(model);
  if (!match.missing.empty()) {
    const std::string there = file.tensors().empty()
                                  ? "it has none"
                                  : "its first is " + in_quotes(file.tensors().begin()->first, 80);
    throw FormatError(file.path(), "has no tensor " + some_of(match.missing) + " (" + there + ", " +
                                       std::to_string(match.missing.size()) + " are missing" +
                                       of_all + not_for);
  }
  if (match.different.empty()) return;
  const auto& [name, theirs, ours] = match.different.front();
  throw FormatError(file.path(), in_quotes(name) + " is " + theirs.str() + ", the network's is " +
                                     ours.str() + " (" + std::to_string(match.different.size()) +
                                     " differ" + of_all + not_for);
}

}  // namespace tweed
