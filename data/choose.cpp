// Which classes, and how many images of each.
#include <algorithm>

#include "data/dataset.h"
#include "kernels/machine/error.h"

namespace tweed {
namespace {

std::vector<std::string> split_names(const std::string& text) {
  std::vector<std::string> names;
  for (std::size_t start = 0; start <= text.size();) {
    std::size_t end = std::min(text.find(',', start), text.size());
    std::string name = text.substr(start, end - start);
    auto first = name.find_first_not_of(' ');
    if (first == std::string::npos) throw Error("a class name is empty in '" + text + "'");
    names.push_back(name.substr(first, name.find_last_not_of(' ') - first + 1));
    start = end + 1;
  }
  return names;
}

std::string some_names(const std::vector<std::string>& names) {
  constexpr std::size_t most = 12;
  std::string text;
  for (std::size_t i = 0; i < std::min(most, names.size()); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > most) text += ", ... (" + std::to_string(names.size()) + " in all)";
  return text;
}

// Old label of each new one.
std::vector<int> chosen_labels(const std::vector<std::string>& all, const std::string& classes) {
  std::vector<int> chosen;
  if (classes.find_first_not_of("0123456789") == std::string::npos) {
    std::size_t count = classes.size() > 6 ? all.size() + 1 : std::stoul(classes);
    if (count < 1 || count > all.size())
      throw Error("cannot take " + classes + " classes of " + std::to_string(all.size()));
    for (int i = 0; i < int(count); ++i) chosen.push_back(i);
    return chosen;
  }
  for (auto& name : split_names(classes)) {
    auto place = std::find(all.begin(), all.end(), name);
    if (place == all.end())
      throw Error("there is no class '" + name + "'; there are " + some_names(all));
    int label = int(place - all.begin());
    if (std::count(chosen.begin(), chosen.end(), label))
      throw Error("the class '" + name + "' is given twice");
    chosen.push_back(label);
  }
  return chosen;
}

}  // namespace

Listing choose(Listing listing, const std::string& classes, int64_t limit) {
  if (!classes.empty()) {
    auto chosen = chosen_labels(listing.classes, classes);
    std::vector<int> renumbered(listing.classes.size(), -1);
    std::vector<std::string> names;
    for (int old : chosen) {
      renumbered[std::size_t(old)] = int(names.size());
      names.push_back(listing.classes[std::size_t(old)]);
    }
    for (auto* samples : {&listing.train, &listing.validation}) {
      for (Sample& s : *samples) s.label = renumbered[std::size_t(s.label)];
      std::erase_if(*samples, [](const Sample& s) { return s.label < 0; });
    }
    listing.classes = names;
  }
  if (limit > 0) {
    std::vector<int64_t> counts(listing.classes.size());
    std::erase_if(listing.train,
                  [&](const Sample& s) { return ++counts[std::size_t(s.label)] > limit; });
  }
  return listing;
}

}  // namespace tweed
