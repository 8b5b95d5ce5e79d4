#include "record/draw/graph_drawing.h"

#include <cstdint>
#include <cstdio>
#include <map>

#include "autograd/graph_stats.h"
#include "kernels/machine/error.h"
#include "nn/trial.h"
#include "record/draw/layers_of_graph.h"

namespace tweed {
namespace {

// In SVG's units, which are pixels where nothing is scaled.
constexpr double letter = 6.6, line_height = 15, padding = 8, row_gap = 22, gap = 24, margin = 20;

struct Box {
  std::vector<std::string> lines;  // the first in bold
  std::string colour;
  std::vector<std::size_t> inputs;

  double width() const {
    std::size_t longest = 0;
    for (auto& line : lines) longest = std::max(longest, line.size());
    return double(longest) * letter + 2 * padding;
  }
  double height() const { return double(lines.size()) * line_height + 2 * padding - 2; }
};

const char* colour_of(const std::string& op) {
  auto has = [&](const char* part) { return op.find(part) != std::string::npos; };
  if (has("conv") || has("linear") || has("matmul") || has("attention")) return "#d6e6f7";
  if (has("norm")) return "#e8dff5";
  if (has("pool") || has("mean") || has("fold")) return "#d9f0dd";
  return "#eeeeee";
}

std::string escaped(const std::string& text) {
  std::string result;
  for (char c : text) {
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '"')
      result += "&quot;";
    else
      result += uint8_t(c) < ' ' ? ' ' : c;
  }
  return result;
}

template <class... A>
std::string format(const char* how, A... parts) {
  char text[512];
  std::snprintf(text, sizeof text, how, parts...);
  return text;
}

std::string bytes_text(int64_t bytes) {
  if (bytes < 10'000) return std::to_string(bytes) + " bytes";
  if (bytes < 10'000'000) return format("%.0f KB", double(bytes) / 1e3);
  return format("%.0f MB", double(bytes) / 1e6);
}

std::string text_of(const Box& box, double x, double top) {
  std::string svg;
  for (std::size_t i = 0; i < box.lines.size(); ++i)
    svg +=
        format("<text x=\"%.1f\" y=\"%.1f\"%s>", x, top + padding + line_height * double(i + 1) - 4,
               i ? "" : " font-weight=\"bold\"") +
        escaped(box.lines[i]) + "</text>\n";
  return svg;
}

// The whole picture, boxes over lines.
std::string svg_of(const std::vector<Box>& boxes) {
  std::vector<std::vector<std::size_t>> inputs;
  std::vector<double> widths;
  for (auto& box : boxes) inputs.push_back(box.inputs), widths.push_back(box.width());
  const GraphLayout layout = lay_out_graph(inputs, widths, gap);

  std::vector<double> tall(layout.rows, 0), top(layout.rows + 1, margin);
  for (std::size_t i = 0; i < boxes.size(); ++i)
    tall[layout.nodes[i].row] = std::max(tall[layout.nodes[i].row], boxes[i].height());
  for (std::size_t row = 0; row < layout.rows; ++row) top[row + 1] = top[row] + tall[row] + row_gap;

  const double width = layout.width + 2 * margin, height = top.back() - row_gap + margin;
  std::string svg = format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
      "viewBox=\"0 0 %.0f %.0f\" font-family=\"monospace\" font-size=\"11\" "
      "text-anchor=\"middle\">\n<defs><marker id=\"end\" viewBox=\"0 0 8 8\" refX=\"7\" "
      "refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" "
      "fill=\"#666\"/></marker></defs>\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
      width, height, width, height);
  for (auto& [end, path] : layout.edges) {
    // From below one row to above the next, straight past the rows between.
    double x = path[0].x + margin, y = top[path[0].row] + tall[path[0].row];
    svg +=
        format("<path fill=\"none\" stroke=\"#666\" marker-end=\"url(#end)\" d=\"M%.1f %.1f", x, y);
    for (std::size_t i = 1; i < path.size(); ++i) {
      const double to_x = path[i].x + margin, to_y = top[path[i].row], middle = (y + to_y) / 2;
      svg += format("C%.1f %.1f %.1f %.1f %.1f %.1f", x, middle, to_x, middle, to_x, to_y);
      x = to_x;
      y = to_y;
      if (i + 1 < path.size()) svg += format("V%.1f", y = to_y + tall[path[i].row]);
    }
    svg += "\"/>\n";
  }
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const Box& box = boxes[i];
    const double x = layout.nodes[i].x + margin, y = top[layout.nodes[i].row],
                 high = tall[layout.nodes[i].row];
    svg += format(
        "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"5\" "
        "fill=\"%s\" stroke=\"#888\"/>\n",
        x - box.width() / 2, y, box.width(), high, box.colour.c_str());
    svg += text_of(box, x, y + (high - box.height()) / 2);
  }
  return svg + "</svg>\n";
}

std::map<const void*, std::string> names_of_modules(Module& network) {
  std::map<const void*, std::string> names;
  for (auto& [name, module] : network.modules()) names[module] = name;
  return names;
}

std::string name_in(const std::map<const void*, std::string>& names, const void* key) {
  const auto found = names.find(key);
  return found == names.end() ? "" : found->second;
}

}  // namespace

std::string draw_graph(const Tensor& y, Module* network) {
  const auto nodes = graph_nodes(y);
  if (nodes.empty())
    throw Error("[draw_graph] the tensor of shape " + y.shape().str() + " was not recorded");
  std::map<const void*, std::string> modules, parameters;
  if (network) {
    modules = names_of_modules(*network);
    for (auto& [name, t] : network->parameters())
      if (t.attachment()) parameters[t.attachment().get()] = name;
  }
  std::vector<Box> boxes;
  for (auto& node : nodes) {
    Box box{{node.operation, node.shape.str()}, colour_of(node.operation), node.inputs};
    if (node.leaf) {
      const std::string name = name_in(parameters, node.attachment);
      box.lines[0] = name.empty() ? "leaf" : name;
      box.colour = "#fff3cd";
    } else {
      const std::string layer = name_in(modules, node.module);
      if (!layer.empty()) box.lines.insert(box.lines.begin() + 1, layer);
      if (node.saved_bytes) box.lines.push_back("keeps " + bytes_text(node.saved_bytes));
    }
    boxes.push_back(box);
  }
  return svg_of(boxes);
}

std::string draw_network(Module& network, const Shape& input) {
  const Tensor x = require_grad(zeros_for(network, input));
  const Tensor y = try_out(network, x);
  const auto modules = names_of_modules(network);
  std::vector<Box> boxes;
  std::map<std::size_t, std::size_t> kept;  // places of nodes, without the parameters
  const auto nodes = graph_nodes(y);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto& node = nodes[i];
    const bool is_image = node.attachment == x.attachment().get();
    if (node.leaf && !is_image) continue;
    Box box{
        {is_image ? "images" : node.operation, node.shape.str()}, colour_of(node.operation), {}};
    if (is_image) box.colour = "#fff3cd";
    const std::string layer = name_in(modules, node.module);
    if (!layer.empty()) box.lines.insert(box.lines.begin() + 1, layer);
    for (std::size_t input_node : node.inputs)
      if (kept.contains(input_node)) box.inputs.push_back(kept.at(input_node));
    kept[i] = boxes.size();
    boxes.push_back(box);
  }
  return svg_of(boxes);
}

}  // namespace tweed
