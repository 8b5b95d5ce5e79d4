// Which classes, how they are called, and how many images of each.
#include <algorithm>
#include <unordered_map>

#include "data/dataset.h"
#include "kernels/machine/error.h"

namespace tweed {
namespace {

using Places = std::unordered_map<std::string, int>;  // labels by name

Places places_of(const std::vector<std::string>& names) {
  Places places;
  for (auto& name : names) places.emplace(name, int(places.size()));
  return places;
}

std::string some_names(const std::vector<std::string>& names) {
  constexpr std::size_t most = 12;
  std::string text;
  for (std::size_t i = 0; i < std::min(most, names.size()); ++i)
    text += (i ? ", " : "") + printable(names[i], 60);
  if (names.size() > most) text += ", ... (" + std::to_string(names.size()) + " in all)";
  return text;
}

std::string without_outer_spaces(const std::string& text) {
  const auto first = text.find_first_not_of(' ');
  return first == std::string::npos ? ""
                                    : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// What users write between commas, or exactly what a class is called, spaces and all.
const std::string* known_name(const std::string& text, const Places& places) {
  auto place = places.find(text);
  if (place == places.end()) place = places.find(without_outer_spaces(text));
  return place == places.end() ? nullptr : &place->first;
}

// The names in a comma-separated list. As names may have commas too, the longest run of pieces that
// is a class counts.
std::vector<std::string> split_names(const std::string& text, const Places& places) {
  std::ptrdiff_t most_commas = 0;
  for (auto& [name, label] : places)
    most_commas = std::max(most_commas, std::count(name.begin(), name.end(), ','));
  std::vector<std::string> names;
  for (std::size_t start = 0; start <= text.size();) {
    std::size_t end = std::min(text.find(',', start), text.size()), next = end;
    std::string name = without_outer_spaces(text.substr(start, end - start));
    for (std::ptrdiff_t commas = 0; commas <= most_commas; ++commas) {
      if (auto known = known_name(text.substr(start, next - start), places)) {
        name = *known;
        end = next;
      }
      if (next == text.size()) break;
      next = std::min(text.find(',', next + 1), text.size());
    }
    if (name.empty()) throw Error("a class name is empty in " + in_quotes(text));
    names.push_back(std::move(name));
    start = end + 1;
  }
  return names;
}

std::vector<std::string> first_names(const std::string& count,
                                     const std::vector<std::string>& all) {
  const std::size_t n = count.size() > 9 ? all.size() + 1 : std::stoul(count);
  if (n < 1 || n > all.size())
    throw Error("cannot take " + printable(count, 30) + " classes of " +
                std::to_string(all.size()));
  return {all.begin(), all.begin() + std::ptrdiff_t(n)};
}

// The classes asked for, in the order asked for; none: all.
std::vector<std::string> wanted_names(const DataOptions& options,
                                      const std::vector<std::string>& all, const Places& places) {
  if (!options.class_names.empty() || options.classes.empty()) return options.class_names;
  if (options.classes.find_first_not_of("0123456789") == std::string::npos)
    return first_names(options.classes, all);
  return split_names(options.classes, places);
}

// New label of each old one, or -1. @param exact  the names are a network's
std::vector<int> renumbered(const std::vector<std::string>& wanted,
                            const std::vector<std::string>& all, const Places& places, bool exact) {
  std::vector<int> labels(all.size(), -1);
  int next = 0;
  for (auto& name : wanted) {
    const auto place = places.find(name);
    if (place == places.end())
      throw Error((exact ? "it lacks the class " + in_quotes(name) + " that the network knows"
                         : "there is no class " + in_quotes(name)) +
                  "; there are " + some_names(all));
    int& label = labels[std::size_t(place->second)];
    if (label >= 0) throw Error("the class " + in_quotes(name) + " is given twice");
    label = next++;
  }
  return labels;
}

void limit_training(Listing& listing, int64_t limit) {
  std::vector<int64_t> counts(listing.classes.size());
  std::erase_if(listing.train,
                [&](const Sample& s) { return ++counts[std::size_t(s.label)] > limit; });
}

// The first of every class, then the second, and so on: one class after the other would leave out
// whole classes.
void limit_validation(Listing& listing, int64_t most) {
  auto& samples = listing.validation;
  if (most >= int64_t(samples.size())) return;
  std::vector<std::pair<int64_t, std::size_t>> order;  // which of its class, and where
  std::vector<int64_t> counts(listing.classes.size());
  for (std::size_t i = 0; i < samples.size(); ++i)
    order.emplace_back(counts[std::size_t(samples[i].label)]++, i);
  std::sort(order.begin(), order.end());
  std::vector<char> taken(samples.size());
  for (std::size_t i = 0; i < std::size_t(most); ++i) taken[order[i].second] = 1;
  std::size_t place = 0;
  std::erase_if(samples, [&](const Sample&) { return !taken[place++]; });
}

// A name that is no UTF-8 is written as messages show it, so that what is seen can be typed.
std::string in_utf8(const std::string& name) {
  return is_utf8(name) ? name : printable(name, name.size());
}

}  // namespace

Listing choose(Listing listing, const DataOptions& options) {
  const Places places = places_of(listing.classes);
  std::vector<std::string> wanted = wanted_names(options, listing.classes, places);
  if (!wanted.empty()) {
    const bool exact = !options.class_names.empty();
    const auto labels = renumbered(wanted, listing.classes, places, exact);
    if (exact && wanted.size() < listing.classes.size())
      listing.notes.push_back("Taken: the " + std::to_string(wanted.size()) + " of " +
                              std::to_string(listing.classes.size()) +
                              " classes that the network knows.");
    for (auto* samples : {&listing.train, &listing.validation}) {
      for (Sample& s : *samples) s.label = labels[std::size_t(s.label)];
      std::erase_if(*samples, [](const Sample& s) { return s.label < 0; });
    }
    listing.classes = std::move(wanted);
  }
  if (options.limit > 0) limit_training(listing, options.limit);
  if (options.validation_images > 0) limit_validation(listing, options.validation_images);
  return listing;
}

void settle_class_names(Listing& listing, const std::string& spec) {
  constexpr std::size_t longest = 4096;
  std::unordered_map<std::string, int64_t> seen;
  std::vector<std::string> escaped;
  for (auto& name : listing.classes) {
    if (name.empty() || name.size() > longest)
      throw FormatError(spec, name.empty()
                                  ? "has a class without a name"
                                  : "has a class whose name takes " + std::to_string(name.size()) +
                                        " bytes: " + in_quotes(name));
    std::string settled = in_utf8(name);
    if (settled != name) escaped.push_back(in_quotes(settled, 60));
    name = std::move(settled);
    if (++seen[name] > 1) throw FormatError(spec, "has two classes called " + in_quotes(name));
  }
  if (escaped.empty()) return;
  std::string note = "Class names that are no UTF-8 are written as " + escaped[0];
  if (escaped.size() > 1) note += " and " + std::to_string(escaped.size() - 1) + " more";
  listing.notes.push_back(note + ".");
}

}  // namespace tweed
