#include "record/draw/layers_of_graph.h"

#include <algorithm>
#include <cstdint>

namespace tweed {
namespace {

// A node, or a place where an edge passes a row.
struct Item {
  double width, x = 0;
  std::vector<std::size_t> above;  // items in the row before
};

class Layout {
 public:
  Layout(const std::vector<std::vector<std::size_t>>& inputs, const std::vector<double>& widths,
         double gap)
      : inputs_(inputs), widths_(widths), gap_(gap) {}

  GraphLayout run() {
    find_rows();
    add_nodes_and_lanes();
    for (auto& row : rows_) place(row);
    return result();
  }

 private:
  void find_rows() {
    row_of_.assign(inputs_.size(), 0);
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      for (std::size_t input : inputs_[i]) row_of_[i] = std::max(row_of_[i], row_of_[input] + 1);
    // What has no inputs stands right above who wants it first, not all of it at the top.
    std::vector<std::size_t> first_use(inputs_.size(), SIZE_MAX);
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      for (std::size_t input : inputs_[i])
        first_use[input] = std::min(first_use[input], row_of_[i]);
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      if (inputs_[i].empty() && first_use[i] != SIZE_MAX) row_of_[i] = first_use[i] - 1;
    const std::size_t last =
        row_of_.empty() ? 0 : *std::max_element(row_of_.begin(), row_of_.end());
    rows_.resize(inputs_.empty() ? 0 : last + 1);
  }

  std::size_t new_item(std::size_t row, double width) {
    items_.push_back({width, 0, {}});
    rows_[row].push_back(items_.size() - 1);
    return items_.size() - 1;
  }
  void add_nodes_and_lanes() {
    for (std::size_t i = 0; i < inputs_.size(); ++i) new_item(row_of_[i], widths_[i]);
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      for (std::size_t input : inputs_[i]) {
        std::vector<std::size_t> path{input};
        for (std::size_t row = row_of_[input] + 1; row < row_of_[i]; ++row) {
          const std::size_t lane = new_item(row, 0);
          items_[lane].above = {path.back()};
          path.push_back(lane);
        }
        items_[i].above.push_back(path.back());
        path.push_back(i);
        paths_.push_back(path);
      }
  }

  // The one row after the other, each below what leads to it.
  void place(std::vector<std::size_t>& row) {
    for (std::size_t i : row) {
      Item& item = items_[i];
      double sum = 0;
      for (std::size_t above : item.above) sum += items_[above].x;
      item.x = item.above.empty() ? last_x_ : sum / double(item.above.size());
    }
    // What has no inputs stands beside what goes on from above.
    std::stable_sort(row.begin(), row.end(), [&](std::size_t a, std::size_t b) {
      const Item &left = items_[a], &right = items_[b];
      return left.x != right.x ? left.x < right.x : left.above.size() > right.above.size();
    });
    double moved = 0, end = 0;
    bool first = true;
    for (std::size_t i : row) {
      Item& item = items_[i];
      const double wanted = item.x;
      if (!first) item.x = std::max(item.x, end + gap_ + item.width / 2);
      end = item.x + item.width / 2;
      moved += item.x - wanted;
      first = false;
    }
    // All of them gave way to the right: half of it goes back.
    for (std::size_t i : row) items_[i].x -= moved / double(row.size());
    if (!row.empty()) last_x_ = items_[row.front()].x;
  }

  GraphLayout result() const {
    double left = 0, right = 0;
    for (auto& item : items_) {
      left = std::min(left, item.x - item.width / 2);
      right = std::max(right, item.x + item.width / 2);
    }
    std::vector<std::size_t> row_of_item(items_.size());
    for (std::size_t row = 0; row < rows_.size(); ++row)
      for (std::size_t i : rows_[row]) row_of_item[i] = row;
    auto at = [&](std::size_t i) { return NodePlace{items_[i].x - left, row_of_item[i]}; };
    GraphLayout layout;
    for (std::size_t i = 0; i < inputs_.size(); ++i) layout.nodes.push_back(at(i));
    for (auto& path : paths_) {
      EdgePath places;
      for (std::size_t i : path) places.push_back(at(i));
      layout.edges.push_back({path.back(), places});
    }
    layout.width = right - left;
    layout.rows = rows_.size();
    return layout;
  }

  const std::vector<std::vector<std::size_t>>& inputs_;
  const std::vector<double>& widths_;
  double gap_, last_x_ = 0;
  std::vector<std::size_t> row_of_;
  std::vector<Item> items_;  // the nodes first
  std::vector<std::vector<std::size_t>> rows_, paths_;
};

}  // namespace

GraphLayout lay_out_graph(const std::vector<std::vector<std::size_t>>& inputs,
                          const std::vector<double>& widths, double gap) {
  return Layout(inputs, widths, gap).run();
}

}  // namespace tweed
