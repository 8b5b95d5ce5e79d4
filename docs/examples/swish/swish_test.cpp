#include <cmath>

#include "autograd/gradcheck.h"
#include "swish_op.h"
#include "tests/catch.h"
#include "tests/support.h"

using namespace tweed;

TEST_CASE("swish is x * sigmoid(x), and its gradient is right") {
  for (Device device : test_devices()) {
    Tensor x = random_tensor({7, 5}, DType::float64, device, 1, -4, 4);
    std::vector<double> wanted;
    for (double v : x.to_doubles()) wanted.push_back(v / (1 + std::exp(-v)));
    CHECK(difference(swish(x).to_doubles(), wanted, 1e-12) == "");
    CHECK(difference(swish(x.to(DType::float32)).to_doubles(), wanted, 1e-6) == "");
    auto result = gradcheck([](const std::vector<Tensor>& in) { return swish(in[0]); }, {x});
    INFO(result.message);
    CHECK(result);
  }
}
