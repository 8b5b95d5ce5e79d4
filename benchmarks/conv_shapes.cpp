#include "benchmarks/conv_shapes.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <tuple>

#include "kernels/machine/error.h"
#include "nn/layers.h"
#include "nn/summary.h"

namespace tweed::bench {

namespace {

// A number, or two as "1x7".
Pair parse_pair(const std::string& word) {
  std::istringstream text(word);
  int64_t h = -1;
  text >> h;
  int64_t w = h;
  if (text.peek() == 'x') {
    text.get();
    w = -1;
    text >> w;
  }
  std::string rest;
  if (text >> rest) h = -1;
  return {h, w};
}
// The same, or four numbers as "0,0,1,1".
Padding parse_padding(const std::string& word) {
  if (word.find(',') == std::string::npos) return parse_pair(word);
  std::string words = word;
  std::replace(words.begin(), words.end(), ',', ' ');
  std::istringstream text(words);
  Padding p = -1;
  std::string rest;
  text >> p.top >> p.left >> p.bottom >> p.right;
  return text && !(text >> rest) ? p : -1;
}

// As they read them: "1x7", "0,0,1,1".
template <class Numbers>
std::string word_of(const Numbers& numbers) {
  std::string word = numbers.str();
  std::erase(word, ' ');
  return word;
}

}  // namespace

std::vector<ConvShape> convolutions_of(Module& network, const Shape& images) {
  std::vector<ConvShape> shapes;
  for (auto& cost : layer_costs(network, {1, images[1], images[2], images[3]})) {
    auto* layer = dynamic_cast<Conv2d*>(&network.find(cost.name));
    if (!layer || !cost.calls) continue;
    const Shape x = {images[0], cost.input[1], cost.input[2], cost.input[3]},
                &w = layer->weight().shape();
    const Conv2dOptions& o = layer->options();
    const AnyConv conv{make_window("conv2d", x, {w[1], w[2]}, o.stride, o.padding, o.dilation),
                       w[0], o.groups};
    auto found = std::find_if(shapes.begin(), shapes.end(),
                              [&](const ConvShape& shape) { return shape.conv == conv; });
    if (found == shapes.end())
      found = shapes.insert(found, {conv, 0, shapes.empty() ? -cost.calls : 0});
    found->count += cost.calls;
    found->input_count += cost.calls;
  }
  return shapes;
}

std::vector<ConvShape> depthwise_convolutions(int64_t images) {
  struct {
    int64_t size, channels, kernel, stride;
  } const layers[] = {{112, 32, 3, 1}, {112, 96, 3, 2}, {56, 144, 3, 1}, {56, 144, 3, 2},
                      {28, 192, 3, 1}, {28, 192, 3, 2}, {14, 384, 3, 1}, {14, 576, 3, 1},
                      {14, 576, 3, 2}, {7, 960, 3, 1},  {56, 144, 5, 2}, {28, 240, 5, 1},
                      {14, 480, 5, 1}, {14, 672, 5, 1}, {14, 672, 5, 2}, {7, 1152, 5, 1},
                      {56, 96, 7, 1},  {28, 192, 7, 1}, {14, 384, 7, 1}, {7, 768, 7, 1}};
  std::vector<ConvShape> shapes;
  for (auto& l : layers) {
    const Window window{images, l.size, l.size, l.channels, l.kernel, l.stride, l.kernel / 2};
    shapes.push_back({{window, l.channels, l.channels}, 1, 1});
  }
  return shapes;
}

ConvShape parse_conv(const std::string& text) {
  std::istringstream words(text);
  std::array<int64_t, 5> n{};
  for (auto& number : n) words >> number;
  std::string kernel, stride, padding, dilation = "1", rest;
  int64_t groups = 1;
  words >> kernel >> stride >> padding;
  bool whole = bool(words);
  if (words >> groups) words >> dilation;
  whole = whole && !(words >> rest) && rest.empty();
  const auto [N, H, W, in, out] = n;
  try {
    const bool positive = std::min({N, H, W, in, out, groups}) > 0;
    if (whole && positive && in % groups == 0 && out % groups == 0)
      return {{make_window("conv2d", {N, H, W, in}, parse_pair(kernel), parse_pair(stride),
                           parse_padding(padding), parse_pair(dilation)),
               out, groups},
              1,
              1};
  } catch (const ShapeError&) {
  }
  throw Error("'" + text + "' is no convolution: give N H W Ci Co K S P, such as '" +
              "32 64 64 3 64 7 2 3', and perhaps groups and dilation");
}

std::string conv_numbers(const AnyConv& c) {
  std::ostringstream text;
  const auto& [rows, columns] = std::tie(c.window.rows, c.window.columns);
  const Padding padding(rows.before, columns.before, rows.after, columns.after);
  const Pair dilation(rows.dilation, columns.dilation);
  text << c.window.N << ' ' << c.window.H << ' ' << c.window.W << ' ' << c.window.C << ' '
       << c.out_channels << ' ' << word_of(Pair(rows.kernel, columns.kernel)) << ' '
       << word_of(Pair(rows.stride, columns.stride)) << ' ' << word_of(padding);
  if (c.groups > 1 || dilation != 1) text << ' ' << c.groups << ' ' << word_of(dilation);
  return text.str();
}

std::string conv_name(const AnyConv& c) {
  std::ostringstream text;
  const auto& [rows, columns] = std::tie(c.window.rows, c.window.columns);
  text << c.window.H << 'x' << c.window.W << 'x' << c.window.C << " > " << c.out_channels << ", "
       << rows.kernel << 'x' << columns.kernel;
  const Pair stride(rows.stride, columns.stride), dilation(rows.dilation, columns.dilation);
  if (stride != 1) text << '/' << word_of(stride);
  if (dilation != 1) text << ", dilation " << word_of(dilation);
  if (c.groups > 1) text << ", " << c.groups << " groups";
  return text.str();
}

int64_t usual_image_size(const std::string& model) {
  for (const char* begin :
       {"cifar_", "conv_only", "mish_", "resnet20", "resnet32", "resnet44", "resnet56"})
    if (model.rfind(begin, 0) == 0) return 32;
  return 128;
}

}  // namespace tweed::bench
