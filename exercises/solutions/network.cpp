// A small residual network.
#include "network.h"

#include "autograd/elementwise.h"
#include "autograd/functions.h"
#include "autograd/reduce.h"
#include "nn/layers.h"

namespace tweed::exercise {
namespace {

class Network : public Module {
 public:
  explicit Network(int64_t classes) {
    stem_ = add_child("stem", Conv2d(3, 16, 3, {.padding = 1}));
    first_ = add_child("first", Conv2d(16, 16, 3, {.padding = 1}));
    second_ = add_child("second", Conv2d(16, 16, 3, {.padding = 1}));
    fc_ = add_child("fc", Linear(16, classes));
  }
  Tensor forward(const Tensor& x) override {
    const Tensor y = relu((*stem_)(x));
    const Tensor z = (*second_)(relu((*first_)(y)));
    return (*fc_)(mean(relu(y + z), {1, 2}));
  }
  std::string description() const override { return "Network"; }

 private:
  ModulePtr stem_, first_, second_, fc_;
};

}  // namespace

ModulePtr make_network(int64_t classes) { return std::make_shared<Network>(classes); }

}  // namespace tweed::exercise
