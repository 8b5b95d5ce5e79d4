#include <algorithm>

#include "exercises/sheet.h"
#include "explain/saliency.h"
#include "nn/models/models.h"
#include "saliency.h"

namespace tweed::exercise {
namespace {

Tensor pictures(int64_t n) {
  return Tensor::from(numbers(std::size_t(n * 32 * 32 * 3), 1), {n, 32, 32, 3});
}
ModulePtr network() {
  ModulePtr made = make_model("simplenet_bn", {.classes = 5, .seed = 3});
  made->train();
  return made;
}
std::vector<float> map_of(Module& network, const Tensor& images) {
  const Tensor map = saliency_of(network, images);
  const Shape wanted{images.dim(0), images.dim(1), images.dim(2)};
  expect(map.defined() && map.shape() == wanted,
         "The map is " + (map.defined() ? map.shape().str() : "undefined") + ", not " +
             wanted.str() + ": one number for each pixel.");
  return map.to_vector<float>();
}

// Gradients of a new network are small numbers: what counts is how they compare with the largest.
void expect_alike(const std::string& what, const std::vector<float>& got,
                  const std::vector<double>& wanted) {
  expect_equal(what, got, wanted, 1e-4 * *std::max_element(wanted.begin(), wanted.end()));
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("one image: the numbers of Tweed's own", 5, [] {
    const ModulePtr net = network();
    const Tensor x = pictures(1);
    const auto map = map_of(*net, x);
    for (float v : map)
      expect(v >= 0, "The map has " + std::to_string(v) + ": absolute values have no sign.");
    expect_alike("the map", map, tweed::saliency(*net, x).map.to_doubles());
  });
  sheet.part("an image's map does not depend on the others in its batch", 3, [] {
    const ModulePtr net = network();
    const Tensor x = pictures(4);
    const auto four = map_of(*net, x);
    const auto wanted = tweed::saliency(*net, x).map.to_doubles();
    double largest = 0, most = 0;
    for (std::size_t i = 0; i < four.size(); ++i) {
      largest = std::max(largest, double(four[i]));
      most = std::max(most, wanted[i]);
    }
    expect(largest > most / 2, "In a batch of four the largest value is " +
                                   std::to_string(largest) + ", and " + std::to_string(most) +
                                   " alone: the loss is a mean over the batch, so gradients are "
                                   "divided by the number of images.");
    expect_alike("the maps of four images", four, wanted);
  });
  sheet.part("the network and the images are as they were", 2, [] {
    const ModulePtr net = network();
    const auto before = net->buffers().front().tensor.to_doubles();
    const Tensor x = pictures(2);
    map_of(*net, x);
    expect(net->training(),
           "The network was in training mode, and is not any more: EvalMode puts it back.");
    expect(net->buffers().front().tensor.to_doubles() == before,
           "The running means of a batch norm changed: the network was not in eval mode.");
    for (auto& [name, t] : net->parameters())
      expect(!grad(t).defined(),
             name +
                 " has a gradient now, which the next step of training would "
                 "add to its own: grad_of(loss, {x}) asks for the image's alone.");
  });
  const ModulePtr net = network();
  const Tensor x = pictures(8);
  sheet.time([&] { saliency_of(*net, x); }, [&] { tweed::saliency(*net, x); });
}

}  // namespace tweed::exercise
