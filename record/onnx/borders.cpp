// Borders, and images at another size.
#include <cmath>

#include "kernels/pad.h"
#include "record/onnx/exporter.h"

namespace tweed::onnx {
namespace {

using Wholes = std::vector<int64_t>;

// The float by which `from` pixels become `to`, rounded down: what was given, or their quotient.
float factor(double given, int64_t from, int64_t to) {
  auto f = float(given > 0 ? given : double(to) / double(from));
  while (int64_t(float(from) * f) < to) f = std::nextafter(f, INFINITY);
  return f;
}

}  // namespace

void Exporter::pad(const WatchedOperation& o) {
  const auto &before = o.attributes.at("before"), &after = o.attributes.at("after");
  const bool images = o.output.ndim() == 4;
  const std::vector<std::size_t> there = {0, 3, 1, 2};
  Wholes amounts;
  for (auto* side : {&before, &after})
    for (std::size_t i = 0; i < side->size(); ++i)
      amounts.push_back(int64_t((*side)[images ? there[i] : i]));
  const std::string x = images ? channels_first(o.inputs[0]) : as_here(o.inputs[0]);
  const auto mode = PadMode(int(o.attributes.at("mode").at(0)));
  if (mode == PadMode::constant)
    return give(o.output,
                graph_.node("Pad", {x, graph_.wholes(amounts),
                                    graph_.number(float(o.attributes.at("value").at(0)))}),
                images);
  if (mode == PadMode::circular) return give(o.output, wrapped(x, amounts, o, images), images);
  give(o.output,
       graph_.node("Pad", {x, graph_.wholes(amounts)},
                   {{"mode", mode == PadMode::reflect ? "reflect" : "edge"}}),
       images);
}

// Opset 17 has no node for a border of the opposite side: parts of x beside x, axis by axis.
std::string Exporter::wrapped(std::string x, const Wholes& amounts, const WatchedOperation& o,
                              bool images) {
  const std::vector<int> axis_here = {0, 3, 1, 2};
  const std::size_t count = amounts.size() / 2;
  for (std::size_t axis = 0; axis < count; ++axis) {
    const int64_t before = amounts[axis], after = amounts[count + axis];
    const int64_t size = o.inputs[0].dim(images ? axis_here[axis] : int(axis));
    auto part = [&](int64_t first, int64_t last) {
      return graph_.node("Slice", {x, graph_.wholes({first}), graph_.wholes({last}),
                                   graph_.wholes({int64_t(axis)})});
    };
    std::vector<std::string> parts;
    if (before) parts.push_back(part(size - before, size));
    parts.push_back(x);
    if (after) parts.push_back(part(0, after));
    if (parts.size() > 1) x = graph_.node("Concat", parts, {{"axis", int64_t(axis)}});
  }
  return x;
}

void Exporter::resize(const WatchedOperation& o) {
  const auto is = [&](const char* name) { return o.attributes.at(name).at(0) != 0; };
  if (is("antialias")) throw Error("[onnx] " + o.name + " with antialias has no node in opset 17");
  const bool nearest = o.name == "resize_nearest", exact = nearest && is("exact");
  std::vector<Attribute> attributes = {
      {"mode", nearest                      ? "nearest"
               : o.name == "resize_bicubic" ? "cubic"
                                            : "linear"},
      {"coordinate_transformation_mode", nearest && !exact     ? "asymmetric"
                                         : is("align_corners") ? "align_corners"
                                                               : "half_pixel"}};
  if (nearest) attributes.push_back({"nearest_mode", exact ? "round_prefer_ceil" : "floor"});
  if (o.name == "resize_bicubic") attributes.push_back({"cubic_coeff_a", -0.75});
  const std::string x = channels_first(o.inputs[0]), none;
  const auto& given = o.attributes.at("factor");
  const int64_t to_h = o.output.dim(1), to_w = o.output.dim(2);
  std::vector<std::string> inputs = {x, none};
  if (given[0] > 0 || given[1] > 0) {
    inputs.push_back(graph_.numbers({1, 1, factor(given[0], o.inputs[0].dim(1), to_h),
                                     factor(given[1], o.inputs[0].dim(2), to_w)}));
  } else {  // the number of images and the channels are those of x
    const std::string front =
        graph_.node("Shape", {x}, {{"start", int64_t(0)}, {"end", int64_t(2)}});
    inputs.push_back(none);
    inputs.push_back(
        graph_.node("Concat", {front, graph_.wholes({to_h, to_w})}, {{"axis", int64_t(0)}}));
  }
  give(o.output, graph_.node("Resize", inputs, attributes), true);
}

}  // namespace tweed::onnx
