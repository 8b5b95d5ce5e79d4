// A layer's object in the JSON text of a network. For sequential.cpp.
#pragma once
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "data/parse_json.h"
#include "nn/layers.h"
#include "nn/resample_layers.h"
#include "nn/weight_limit.h"

namespace tweed {

// Bounds that no sensible network meets, so that a damaged description cannot ask for everything.
// 2^28 weights are twice VGG-16's, and take a gigabyte.
constexpr int64_t largest_size = 1 << 20, most_weights = int64_t(1) << 28;
constexpr int deepest = 64;

// One object of the description, whose keys a layer's row below asks for by name and kind. Done
// when all were asked for: a key that is left is a mistake.
class LayerText {
 public:
  bool norm_follows = false;  ///< the next layer of its list is a batch norm

  // The network itself.
  LayerText(const nlohmann::json& json, std::string file, int64_t classes)
      : json_(json), file_(std::move(file)), classes_(classes) {
    if (!json.is_object()) fail("is no object in braces");
  }
  // A layer inside of `parent`, at a place such as "3" or "3.shortcut.0".
  LayerText(const nlohmann::json& json, const LayerText& parent, std::string place)
      : json_(json),
        file_(parent.file_),
        place_(std::move(place)),
        classes_(parent.classes_),
        depth_(parent.depth_ + 1) {
    if (depth_ > deepest) fail("is nested too deep");
    if (!json.is_object()) fail("is no object in braces");
  }

  // An integer of at least `least`, or "classes".
  int64_t integer(const char* key, int64_t least = 1) { return as_integer(key, get(key), least); }
  // An integer, or a list of one.
  int64_t integer_or_list(const char* key) {
    const nlohmann::json& v = get(key);
    return as_integer(key, v.is_array() && v.size() == 1 ? v[0] : v, 1);
  }
  int64_t integer_or(const char* key, int64_t otherwise) {
    return json_.contains(key) ? integer(key, std::min<int64_t>(1, otherwise)) : otherwise;
  }
  // A convolution's padding: an integer, of images [height, width], 0 by default, or "same".
  Padding padding(Pair stride, bool of_images = true) {
    if (!json_.contains("padding")) return 0;
    if (const nlohmann::json& v = get("padding"); v != "same") {
      if (v.is_string() && v != "classes") wrong("padding", "an integer, or \"same\",");
      return of_images ? pair("padding", 0) : Pair(as_integer("padding", v, 0));
    }
    if (stride != 1) fail("takes \"same\" as 'padding' with a stride of 1 only");
    return same_padding;
  }
  // An integer for both, or [height, width].
  Pair pair(const char* key, int64_t least = 1) {
    const nlohmann::json& v = get(key);
    if (v.is_array() && v.size() == 2)
      return {as_integer(key, v[0], least), as_integer(key, v[1], least)};
    return as_integer(key, v, least);
  }
  Pair pair_or(const char* key, int64_t otherwise, int64_t least = 1) {
    return json_.contains(key) ? pair(key, least) : otherwise;
  }
  // A border, 0 by default: an integer, [height, width] or [top, left, bottom, right].
  Padding border(const char* key) {
    if (!json_.contains(key)) return 0;
    const nlohmann::json& v = get(key);
    auto side = [&](std::size_t i) { return as_integer(key, v[i], 0); };
    if (v.is_array() && v.size() == 2) return {side(0), side(1)};
    if (v.is_array() && v.size() == 4) return {side(0), side(1), side(2), side(3)};
    return as_integer(key, v, 0);
  }
  // A number from 0 to 1.
  double fraction_or(const char* key, double otherwise) {
    if (!json_.contains(key)) return otherwise;
    const nlohmann::json& v = get(key);
    if (!v.is_number() || v.get<double>() < 0 || v.get<double>() > 1)
      wrong(key, "a number from 0 to 1");
    return v.get<double>();
  }
  double number(const char* key, double least, double most) {
    return as_number(key, get(key), least, most);
  }
  // A factor for both axes, or [height, width].
  ResizeFactor factor(const char* key) {
    const nlohmann::json& v = get(key);
    auto one = [&](const nlohmann::json& n) { return as_number(key, n, 1e-3, 1e3); };
    if (v.is_array() && v.size() == 2) return {one(v[0]), one(v[1])};
    return {one(v), one(v)};
  }
  // A border in the order of PyTorch's layers: an integer, or [left, right, top, bottom].
  Padding sides(const char* key) {
    const nlohmann::json& v = get(key);
    auto side = [&](std::size_t i) { return as_integer(key, v[i], 0); };
    if (v.is_array() && v.size() == 4) return {side(2), side(0), side(3), side(1)};
    return as_integer(key, v, 0);
  }
  // Any finite number.
  double number_or(const char* key, double otherwise) {
    if (!json_.contains(key)) return otherwise;
    const nlohmann::json& v = get(key);
    if (!v.is_number() || !std::isfinite(v.get<double>())) wrong(key, "a number");
    return v.get<double>();
  }
  // One of two strings: whether it is the second, the first by default.
  bool second_of(const char* key, const std::string& first, const std::string& second) {
    if (!json_.contains(key)) return false;
    const nlohmann::json& v = get(key);
    if (v != first && v != second) wrong(key, "\"" + first + "\" or \"" + second + "\"");
    return v == second;
  }
  // Softmax is over channels, wherever they lie: PyTorch's axis 1.
  void channel_axis(const char* key) {
    if (json_.contains(key) && get(key) != 1) wrong(key, "1, which stands for channels,");
  }
  bool flag_or(const char* key, bool otherwise) {
    if (!json_.contains(key)) return otherwise;
    const nlohmann::json& v = get(key);
    if (!v.is_boolean()) wrong(key, "true or false");
    return v.get<bool>();
  }
  std::string text(const char* key) {
    const nlohmann::json& v = get(key);
    if (!v.is_string()) wrong(key, "a string");
    return v.get<std::string>();
  }
  // An argument of PyTorch's that changes nothing here as long as it has one of these values.
  void take_harmless(const char* key, const std::vector<nlohmann::json>& values) {
    if (!json_.contains(key)) return;
    const nlohmann::json& v = get(key);
    if (std::find(values.begin(), values.end(), v) != values.end()) return;
    std::string known;
    for (auto& value : values) known += (known.empty() ? "" : " or ") + value.dump();
    wrong(key, known);
  }
  const nlohmann::json& list(const char* key) {
    const nlohmann::json& v = get(key);
    if (!v.is_array() || v.empty()) wrong(key, "a list that is not empty");
    return v;
  }

  void check_weights(int64_t a, int64_t b, int64_t cells = 1) const {
    const std::string excess = WeightLimit::excess(double(a) * double(b) * double(cells));
    if (!excess.empty()) fail(excess);
  }
  void check_all_used() const {
    for (auto& [key, value] : json_.items())
      if (!used_.contains(key)) fail("has no use for " + in_quotes(key, 60));
  }
  bool has(const char* key) const { return json_.contains(key); }
  const std::string& place() const { return place_; }

  void set_type(const std::string& type) { type_ = " (" + printable(type, 60) + ")"; }
  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(file_,
                      (place_.empty() ? "the network" : "layer " + place_ + type_) + " " + what);
  }

 private:
  const nlohmann::json& get(const char* key) {
    if (!json_.contains(key)) fail(std::string("has no '") + key + "'");
    used_.insert(key);
    return json_[key];
  }
  [[noreturn]] void wrong(const char* key, const std::string& wanted) const {
    fail(std::string("needs ") + wanted + " as '" + key + "', not " +
         printable(json_[key].dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), 60));
  }
  int64_t as_integer(const char* key, const nlohmann::json& v, int64_t least) const {
    if (v == "classes") return classes_;
    if (!v.is_number_integer() || v.get<double>() < double(least) ||
        v.get<double>() > double(largest_size))
      wrong(key,
            "an integer from " + std::to_string(least) + " to " + std::to_string(largest_size));
    return v.get<int64_t>();
  }

  double as_number(const char* key, const nlohmann::json& v, double least, double most) const {
    if (!v.is_number() || !(v.get<double>() >= least && v.get<double>() <= most)) {
      std::ostringstream wanted;
      wanted << "a number from " << least << " to " << most;
      wrong(key, wanted.str());
    }
    return v.get<double>();
  }

  const nlohmann::json& json_;
  std::string file_, place_, type_;
  int64_t classes_;
  int depth_ = 0;
  std::set<std::string> used_;
};

}  // namespace tweed
