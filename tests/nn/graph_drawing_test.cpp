// Pictures of graphs: what is in them, and where.
#include "record/draw/graph_drawing.h"

#include <set>

#include "autograd/elementwise.h"
#include "autograd/graph_stats.h"
#include "autograd/loss.h"
#include "autograd/reduce.h"
#include "nn/containers.h"
#include "nn/layers.h"
#include "nn/models/models.h"
#include "nn/models/preprocessing.h"
#include "record/draw/layers_of_graph.h"
#include "tests/catch.h"
#include "tests/support.h"

using namespace tweed;

namespace {

int64_t count(const std::string& text, const std::string& part) {
  int64_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("The nodes of a graph come in the order in which they were computed, with their inputs") {
  const Tensor a = require_grad(Tensor::full({2, 3}, 1.5)),
               b = require_grad(Tensor::full({2, 3}, 2));
  const Tensor product = a * b, y = sum(product + a);
  const auto nodes = graph_nodes(y);
  REQUIRE(nodes.size() == 5);
  CHECK((nodes[0].leaf && nodes[0].attachment == a.attachment().get()));
  CHECK((nodes[1].leaf && nodes[1].attachment == b.attachment().get()));
  CHECK((nodes[2].operation == "mul" && nodes[2].inputs == std::vector<std::size_t>{0, 1}));
  CHECK(nodes[2].saved_bytes == int64_t(2 * 6 * sizeof(float)));
  CHECK((nodes[3].operation == "add" && nodes[3].inputs == std::vector<std::size_t>{2, 0}));
  CHECK((nodes[4].operation == "sum" && nodes[4].shape == Shape{}));
  CHECK(graph_nodes(Tensor::full({2}, 1)).empty());
}

TEST_CASE("No two things of a row overlap, and edges lead from row to row") {
  // A chain of six with an edge from the first to the last, one over three, and two sources.
  const std::vector<std::vector<std::size_t>> inputs{{},  {0},       {1}, {2, 0},
                                                     {3}, {4, 1, 0}, {},  {5, 6}};
  const std::vector<double> widths{50, 80, 30, 100, 60, 40, 200, 90};
  const double gap = 10;
  const GraphLayout layout = lay_out_graph(inputs, widths, gap);
  REQUIRE(layout.nodes.size() == 8);
  CHECK(layout.rows == 7);
  CHECK(layout.nodes[6].row == 5);  // a source right above who wants it
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK(layout.nodes[i].x - widths[i] / 2 >= -1e-9);
    CHECK(layout.nodes[i].x + widths[i] / 2 <= layout.width + 1e-9);
    for (std::size_t input : inputs[i]) CHECK(layout.nodes[input].row < layout.nodes[i].row);
    for (std::size_t j = 0; j < i; ++j)
      if (layout.nodes[i].row == layout.nodes[j].row)
        CHECK(std::abs(layout.nodes[i].x - layout.nodes[j].x) >=
              (widths[i] + widths[j]) / 2 + gap - 1e-9);
  }
  CHECK(layout.edges.size() == 10);
  for (auto& [end, path] : layout.edges) {
    CHECK(path.back().row == layout.nodes[end].row);
    for (std::size_t i = 1; i < path.size(); ++i) CHECK(path[i].row == path[i - 1].row + 1);
    // What an edge passes it passes beside.
    for (std::size_t i = 1; i + 1 < path.size(); ++i)
      for (std::size_t n = 0; n < 8; ++n)
        if (layout.nodes[n].row == path[i].row)
          CHECK(std::abs(layout.nodes[n].x - path[i].x) >= widths[n] / 2 + gap - 1e-9);
  }
  CHECK(lay_out_graph({}, {}, 10).rows == 0);
}

TEST_CASE("The graph of a loss has its operations, its parameters by name, and what is kept") {
  Sequential network;
  network.add("conv<1>", Conv2d(3, 4, 3))
      .add("flat", std::make_shared<Flatten>())
      .add("fc", Linear(16, 3));
  const Tensor loss =
      cross_entropy(network(random_tensor({2, 4, 4, 3})), Tensor::from<int>({0, 2}, {2}));
  const std::string svg = draw_graph(loss, &network);
  INFO(svg);
  for (auto part : {">conv2d<", ">conv&lt;1&gt;<", ">conv&lt;1&gt;.weight<", ">fc.bias<",
                    ">linear<", ">cross_entropy<", ">(2, 3)<", ">keeps "})
    CHECK(svg.find(part) != std::string::npos);
  CHECK(count(svg, "<rect x=") == int64_t(graph_nodes(loss).size()));
  CHECK(count(svg, "<text") == count(svg, "</text>"));
  CHECK(count(draw_graph(loss), ">leaf<") == 4);
  CHECK_THROWS_WITH(draw_graph(Tensor::full({2}, 1)), Contains("(2) was not recorded"));
}

TEST_CASE("Every network can be drawn, and is left as it was") {
  for (auto& name : model_names()) {
    INFO(name);
    const int64_t size = preprocessing_of(name).crop <= 32 ? 32 : 128;
    auto network = make_model(name, {.classes = 5, .image_size = size});
    const std::string svg = draw_network(*network, {1, size, size, 3});
    CHECK(svg.starts_with("<svg"));
    CHECK(svg.ends_with("</svg>\n"));
    CHECK(count(svg, ">images<") == 1);
    CHECK(svg.find(".weight") == std::string::npos);
    CHECK(svg.find("nan") == std::string::npos);
    CHECK(network->training());
    for (auto& [parameter, t] : network->parameters()) CHECK_FALSE(grad(t).defined());
  }
}
