// Places for the nodes of a directed graph without cycles, in rows from its sources down.
#pragma once
#include <cstddef>
#include <utility>
#include <vector>

namespace tweed {

/// A node's centre in x; its row.
struct NodePlace {
  double x = 0;
  std::size_t row = 0;
};
/// An edge as the places it leads through, row by row, from a node to one further down.
using EdgePath = std::vector<NodePlace>;

struct GraphLayout {
  std::vector<NodePlace> nodes;
  std::vector<std::pair<std::size_t, EdgePath>> edges;  ///< with the node where each ends
  double width = 0;
  std::size_t rows = 0;
};

/// Each node stands in the row after the lowest of its inputs; an edge over several rows keeps a
/// lane of its own beside the nodes that it passes. In each row nodes stand below the middle of
/// what leads to them, as far as there is room.
/// @param inputs  of each node: earlier nodes
/// @param widths  of each node
/// @param gap     between two things in a row
/// Source: the layers of Sugiyama, Tagawa and Toda 1981, with one pass of barycentres
GraphLayout lay_out_graph(const std::vector<std::vector<std::size_t>>& inputs,
                          const std::vector<double>& widths, double gap);

}  // namespace tweed
