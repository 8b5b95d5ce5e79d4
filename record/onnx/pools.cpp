// Pools: nodes of their own where windows are alike and end within the padding, and what comes to
// the same where they are not.
#include <algorithm>

#include "record/onnx/exporter.h"

namespace tweed::onnx {
namespace {

using Wholes = std::vector<int64_t>;

Wholes wholes_of(const WatchedOperation& o, const char* name) {
  const auto& numbers = o.attributes.at(name);
  return {numbers.begin(), numbers.end()};
}

// How windows slide along height and width.
struct Sliding {
  Wholes kernel, stride, before, after, dilation;
  Wholes beyond = {0, 0};  // how far the last window of ceil mode reaches beyond the padding

  explicit Sliding(const WatchedOperation& o)
      : kernel(wholes_of(o, "kernel")),
        stride(wholes_of(o, "stride")),
        before(wholes_of(o, "before")),
        after(wholes_of(o, "after")),
        dilation(wholes_of(o, "dilation")) {
    for (std::size_t i : {0, 1}) {
      const int axis = int(i) + 1;
      const int64_t span = dilation[i] * (kernel[i] - 1) + 1;
      const int64_t reached = (o.output.dim(axis) - 1) * stride[i] + span;
      const int64_t padded = before[i] + o.inputs[0].dim(axis) + after[i];
      beyond[i] = std::max<int64_t>(0, reached - padded);
    }
  }
  bool reaches_beyond() const { return beyond[0] || beyond[1]; }
  // Above, left, below, right: the padding, and more where windows reach beyond it.
  Wholes pads() const { return {before[0], before[1], after[0] + beyond[0], after[1] + beyond[1]}; }
};

// The pixels of an axis that window o of an adaptive pool covers: [first, last).
struct Part {
  int64_t first, last;
};
Part adaptive_part(int64_t o, int64_t size, int64_t out) {
  return {o * size / out, ((o + 1) * size + out - 1) / out};
}

// The window of an adaptive pool all of whose windows are alike and lie side by side; else empty.
Wholes even_window(const WatchedOperation& o) {
  Wholes kernel;
  for (int axis : {1, 2}) {
    const int64_t from = o.inputs[0].dim(axis), to = o.output.dim(axis);
    if (from % to) return {};
    kernel.push_back(from / to);
  }
  return kernel;
}

// (out, size), 1 where a window covers a pixel; or turned.
Tensor covering(int64_t size, int64_t out, bool turned) {
  std::vector<float> cells(std::size_t(size * out));
  for (int64_t o = 0; o < out; ++o) {
    const Part part = adaptive_part(o, size, out);
    for (int64_t i = part.first; i < part.last; ++i)
      cells[std::size_t(turned ? i * out + o : o * size + i)] = 1;
  }
  return Tensor::from(cells, turned ? Shape{size, out} : Shape{out, size});
}

// Windows of one size: each goes on with its last pixel, which changes no maximum.
Wholes repeated(int64_t size, int64_t out, int64_t longest) {
  Wholes pixels;
  for (int64_t o = 0; o < out; ++o) {
    const Part part = adaptive_part(o, size, out);
    for (int64_t i = 0; i < longest; ++i) pixels.push_back(std::min(part.first + i, part.last - 1));
  }
  return pixels;
}
int64_t longest_part(int64_t size, int64_t out) {
  int64_t longest = 0;
  for (int64_t o = 0; o < out; ++o) {
    const Part part = adaptive_part(o, size, out);
    longest = std::max(longest, part.last - part.first);
  }
  return longest;
}

}  // namespace

void Exporter::max_pool(const WatchedOperation& o) {
  const Sliding w(o);
  std::vector<Attribute> attributes = {
      {"kernel_shape", w.kernel}, {"strides", w.stride}, {"pads", w.pads()}};
  if (w.dilation != Wholes{1, 1}) attributes.push_back({"dilations", w.dilation});
  give(o.output, relu_if(o, graph_.node("MaxPool", {channels_first(o.inputs[0])}, attributes)),
       true);
}

void Exporter::avg_pool(const WatchedOperation& o) {
  const Sliding w(o);
  std::string x = channels_first(o.inputs[0]);
  Wholes pads = w.pads();
  bool count_padding = o.attributes.at("count_padding").at(0) != 0;
  if (count_padding && w.reaches_beyond()) {  // the padding counts, what lies beyond does not
    x = graph_.node(
        "Pad", {x, graph_.wholes({0, 0, w.before[0], w.before[1], 0, 0, w.after[0], w.after[1]}),
                graph_.number(0)});
    pads = {0, 0, w.beyond[0], w.beyond[1]};
    count_padding = false;
  }
  give(o.output,
       graph_.node("AveragePool", {x},
                   {{"kernel_shape", w.kernel},
                    {"strides", w.stride},
                    {"pads", pads},
                    {"count_include_pad", int64_t(count_padding)}}),
       true);
}

// Where windows differ in size, as sums over rows and columns, divided by the number of pixels.
void Exporter::adaptive_avg(const WatchedOperation& o) {
  const std::string x = channels_first(o.inputs[0]);
  if (const Wholes kernel = even_window(o); !kernel.empty())
    return give(o.output,
                graph_.node("AveragePool", {x}, {{"kernel_shape", kernel}, {"strides", kernel}}),
                true);
  const int64_t H = o.inputs[0].dim(1), W = o.inputs[0].dim(2), h = o.output.dim(1),
                w = o.output.dim(2);
  const auto text = [](int64_t from, int64_t to) {
    return std::to_string(from) + "_to_" + std::to_string(to);
  };
  const std::string rows = graph_.constant("rows_" + text(H, h), covering(H, h, false));
  const std::string columns = graph_.constant("columns_" + text(W, w), covering(W, w, true));
  std::vector<float> counts;
  for (int64_t i = 0; i < h; ++i)
    for (int64_t j = 0; j < w; ++j) {
      const Part down = adaptive_part(i, H, h), right = adaptive_part(j, W, w);
      counts.push_back(float((down.last - down.first) * (right.last - right.first)));
    }
  const std::string pixels =
      graph_.constant("pixels_" + text(H, h) + "_" + text(W, w), Tensor::from(counts, {h, w}));
  const std::string sums = graph_.node("MatMul", {rows, graph_.node("MatMul", {x, columns})});
  give(o.output, graph_.node("Div", {sums, pixels}), true);
}

void Exporter::adaptive_max(const WatchedOperation& o) {
  std::string x = channels_first(o.inputs[0]);
  Wholes kernel = even_window(o);
  if (kernel.empty())
    for (int axis : {1, 2}) {
      const int64_t from = o.inputs[0].dim(axis), to = o.output.dim(axis);
      kernel.push_back(longest_part(from, to));
      x = graph_.node("Gather", {x, graph_.wholes(repeated(from, to, kernel.back()))},
                      {{"axis", int64_t(axis + 1)}});
    }
  give(o.output, graph_.node("MaxPool", {x}, {{"kernel_shape", kernel}, {"strides", kernel}}),
       true);
}

}  // namespace tweed::onnx
