#include "autograd/describe.h"

namespace tweed {

static thread_local OperationWatch* watch = nullptr;

OperationWatch::OperationWatch() {
  if (watch) throw Error("the operations of this thread are watched already");
  watch = this;
}
OperationWatch::~OperationWatch() { watch = nullptr; }
OperationWatch* OperationWatch::current() { return watch; }

void OperationWatch::describe(const std::string& op, Attributes attributes) {
  described_ = op;
  attributes_ = std::move(attributes);
}

void OperationWatch::note(const char* op, const std::vector<Tensor>& inputs, const Tensor& output) {
  operations_.push_back({op, inputs, output, described_ == op ? attributes_ : Attributes()});
  described_.clear();
}

}  // namespace tweed
