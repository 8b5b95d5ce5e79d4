// The walk back through a graph.
#include "graph.h"

#include <iterator>
#include <map>

#include "exercises/sheet.h"

namespace tweed::exercise {

void walk_back(Node& result) {
  // WRITE: from the result, node by node, newest first; each adds to the gradients of its inputs.
  blank("the walk, in graph.cpp");
}

}  // namespace tweed::exercise
