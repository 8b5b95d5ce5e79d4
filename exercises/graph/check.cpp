#include <cmath>
#include <deque>
#include <map>

#include "exercises/sheet.h"
#include "graph.h"

namespace tweed::exercise {
namespace {

// Numbers with their graph; the nodes stay where they are.
class Tape {
 public:
  Node* leaf(double value) { return add(value, {}, nullptr); }
  Node* plus(Node* a, Node* b) {
    return add(value(a) + value(b), {a, b}, [](double g) { return std::vector{g, g}; });
  }
  Node* times(Node* a, Node* b) {
    const double x = value(a), y = value(b);
    return add(x * y, {a, b}, [=](double g) { return std::vector{g * y, g * x}; });
  }
  Node* scaled(Node* a, double by) {
    return add(value(a) * by, {a}, [=](double g) { return std::vector{g * by}; });
  }
  double value(const Node* node) const { return values_.at(node->number); }
  int calls(const Node* node) const {
    const auto found = calls_.find(node->number);
    return found == calls_.end() ? 0 : found->second;
  }
  std::size_t size() const { return nodes_.size(); }
  const Node& operator[](std::size_t i) const { return nodes_[i]; }

 private:
  Node* add(double value, std::vector<Node*> inputs,
            std::function<std::vector<double>(double)> back) {
    const int64_t number = int64_t(nodes_.size());
    Node node{number, std::move(inputs), nullptr, 0};
    if (back)
      node.backward = [this, number, back](double g) {
        ++calls_[number];
        return back(g);
      };
    nodes_.push_back(node);
    values_[number] = value;
    return &nodes_.back();
  }
  std::deque<Node> nodes_;
  std::map<int64_t, double> values_;
  std::map<int64_t, int> calls_;
};

void expect_gradient(const std::string& name, const Node* node, double wanted,
                     const std::string& advice = "") {
  expect(std::abs(node->gradient - wanted) <= 1e-9 * std::max(1., std::abs(wanted)),
         "d(result)/d(" + name + ") is " + std::to_string(wanted) + ", not " +
             std::to_string(node->gradient) + "." + advice);
}
void expect_called_once(const Tape& tape) {
  for (std::size_t i = 0; i < tape.size(); ++i)
    if (tape[i].backward)
      expect(tape.calls(&tape[i]) == 1,
             "A node's backward was called " + std::to_string(tape.calls(&tape[i])) +
                 " times, not once: it goes back when all that use it have, and only then.");
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("a chain: 5 a b", 2, [] {
    Tape t;
    Node *a = t.leaf(2), *b = t.leaf(3), *ab = t.times(a, b), *y = t.scaled(ab, 5);
    walk_back(*y);
    expect_gradient("result", y, 1);
    expect_gradient("a b", ab, 5);
    expect_gradient("a", a, 15);
    expect_gradient("b", b, 10);
    expect_called_once(t);
  });
  sheet.part("a number that is used twice: a a + 3 a", 3, [] {
    Tape t;
    Node *a = t.leaf(2), *y = t.plus(t.times(a, a), t.scaled(a, 3));
    walk_back(*y);
    expect_gradient("a", a, 7, " What each use gives is added up.");
    expect_called_once(t);
  });
  sheet.part("a diamond behind a diamond, whose arms differ in length", 3, [] {
    Tape t;
    Node *a = t.leaf(2), *b = t.times(a, a), *c = t.scaled(t.scaled(t.scaled(b, 2), 1), 1),
         *d = t.plus(b, c), *e = t.times(d, b);
    walk_back(*e);
    // e = 3 a^4
    expect_gradient(
        "a", a, 12 * 8,
        " A node went back before all that use it had: the rest of its gradient came too "
        "late.");
    expect_called_once(t);
  });
  sheet.part("200,000 numbers one after another", 2, [] {
    Tape t;
    Node *a = t.leaf(1), *y = a;
    for (int i = 0; i < 200'000; ++i) y = t.scaled(y, i % 2 ? 2 : 0.5);
    walk_back(*y);
    expect_gradient("the first", a, 1);
  });
}

}  // namespace tweed::exercise
