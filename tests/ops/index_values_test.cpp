// What rows of op_cases.h cannot say about lines and indexes: zeros, infinities, equal places, bits
// for any number of threads, errors.
#include <cmath>

#include "autograd/argmax.h"
#include "autograd/elementwise.h"
#include "autograd/indexing.h"
#include "autograd/matmul.h"
#include "autograd/reduce.h"
#include "tests/catch.h"
#include "tests/ops/on_all.h"

namespace tweed {
namespace {

using Doubles = std::vector<double>;
using Indexes = std::vector<int32_t>;
const double nan = NAN, inf = INFINITY;

// On each device in each dtype: `of` makes a tensor there, `at` indexes.
template <class F>
void with_makers(F f) {
  on_all([&](Device device, DType dtype) {
    auto of = [&](const Doubles& v, const Shape& s) {
      return Tensor::from(v, s).to(dtype).to(device);
    };
    auto at = [&](const Indexes& v, const Shape& s) { return Tensor::from(v, s, device); };
    f(of, at);
  });
}

std::string wrong(const Tensor& y, const Doubles& wanted) {
  return difference(y.to_doubles(), wanted, 0);
}

}  // namespace

TEST_CASE("products of zeros, infinities and NaN have the gradients of the others", "[ops]") {
  with_makers([](auto of, auto) {
    struct {
      Doubles x;
      double y;
      Doubles dx;
    } cases[] = {
        {{2, 3, 4}, 24, {12, 8, 6}},
        {{2, 0, 4}, 0, {0, 8, 0}},
        {{0, 0, 4}, 0, {0, 0, 0}},
        {{2, inf, 4}, inf, {inf, 8, inf}},
        {{0, inf, 4}, nan, {inf, 0, nan}},
        {{2, nan, 4}, nan, {nan, 8, nan}},
        {{-3}, -3, {1}},
        {{}, 1, {}},
    };
    for (auto& c : cases) {
      const Tensor x = require_grad(of(c.x, {int64_t(c.x.size())}));
      const Tensor y = prod(x);
      CHECK(wrong(y, {c.y}) == "");
      CHECK(wrong(grad_of(y, {x})[0], c.dx) == "");
    }
    const Tensor x = require_grad(of({1, 0, 2, 3, 0, 5}, {2, 3}));
    const Tensor y = sum(prod(x, {0}));
    CHECK(y.item() == 13);
    CHECK(wrong(grad_of(y, {x})[0], {3, 0, 5, 1, 0, 2}) == "");
  });
}

TEST_CASE("running sums pass NaN and infinity to those behind them alone", "[ops]") {
  with_makers([](auto of, auto) {
    const Tensor x = of({1, inf, 2, -inf, 3}, {5});
    CHECK(wrong(cumsum(x, 0), {1, inf, inf, nan, nan}) == "");
    CHECK(wrong(cumsum(x, 0, {.exclusive = true}), {0, 1, inf, inf, nan}) == "");
    CHECK(wrong(cumsum(x, 0, {.reverse = true}), {nan, nan, -inf, -inf, 3}) == "");
    CHECK(wrong(cumsum(of({1, nan, 2}, {3}), 0), {1, nan, nan}) == "");
  });
}

TEST_CASE("of several values with the same place the last stays, and sums have all", "[ops]") {
  with_makers([](auto of, auto at) {
    const Tensor x = require_grad(of({1, 2, 3, 4}, {1, 4}));
    const Tensor v = require_grad(of({10, 20, 30, nan}, {1, 4})), places = at({2, 0, 2, 1}, {1, 4});
    const Tensor dy = of({5, 6, 7, 8}, {1, 4});
    const Tensor set = scatter(x, places, v, 1), added = scatter_add(x, places, v, 1);
    CHECK(wrong(set, {20, nan, 30, 4}) == "");
    CHECK(wrong(added, {21, nan, 43, 4}) == "");
    const auto of_set = grad_of(set, {x, v}, false, dy), of_sum = grad_of(added, {x, v}, false, dy);
    CHECK(wrong(of_set[0], {0, 0, 0, 8}) == "");
    CHECK(wrong(of_set[1], {0, 5, 7, 6}) == "");
    CHECK(wrong(of_sum[0], {5, 6, 7, 8}) == "");
    CHECK(wrong(of_sum[1], {7, 5, 7, 6}) == "");
    CHECK(wrong(gather(of({nan, 1, inf}, {3}), at({2, 1, 1}, {3}), 0), {inf, 1, 1}) == "");
  });
}

TEST_CASE("sums at indexes have the same bits for any number of threads", "[ops]") {
  std::vector<int32_t> places;
  for (int i = 0; i < 40 * 300; ++i) places.push_back(i * 7 % 50);
  const Tensor index = Tensor::from(places, {40, 300});
  const Tensor x = random_tensor({40, 50}, DType::float32, {}, 1);
  const Tensor v = random_tensor({40, 300}, DType::float32, {}, 2);
  check_any_threads([&] {
    const Tensor leaf = require_grad(v.clone());
    const Tensor y = gather(leaf, index, 1);
    return std::vector<Tensor>{scatter_add(x, index, v, 1), scatter(x, index, v, 1), cumsum(v, 0),
                               prod(v + 1, {1}), grad_of(y, {leaf}, false, v)[0]};
  });
}

TEST_CASE("the last of equal extremes is found where it is asked for", "[ops]") {
  with_makers([](auto of, auto) {
    const Tensor x = of({3, 1, 3, nan, 2, nan, 1, 1, 1}, {3, 3});
    auto places = [](const Tensor& t) { return t.template to_vector<int32_t>(); };
    CHECK(places(argmax(x)) == Indexes{0, 0, 0});
    CHECK(places(argmax(x, 1, false, Ties::last)) == Indexes{2, 2, 2});
    CHECK(places(argmin(x, 1, false, Ties::last)) == Indexes{1, 2, 2});
    CHECK(places(argmax(x, 0, true, Ties::last)) == Indexes{1, 1, 1});
    CHECK(argmax(x, 0, true, Ties::last).shape() == Shape{1, 3});
    CHECK_THROWS_WITH(argmax(x, 2, false, Ties::last), Contains("[argmax] axis 2 of (3, 3)"));
  });
}

TEST_CASE("one_hot has a row for each label", "[ops]") {
  for (Device device : test_devices())
    for (DType dtype : {DType::float64, DType::float32, DType::bfloat16}) {
      const Tensor labels = Tensor::from<int32_t>({1, 0, 2, 9}, {2, 2}, device);
      const Tensor y = one_hot(labels, 3, dtype);
      CHECK(y.shape() == Shape{2, 2, 3});
      CHECK(y.dtype() == dtype);
      CHECK(wrong(y, {0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0}) == "");
      CHECK(one_hot(Tensor::zeros({0}, DType::int32, device), 4).shape() == Shape{0, 4});
    }
}

TEST_CASE("lines and indexes say what is wrong with their arguments", "[ops]") {
  const Tensor x = Tensor::zeros({2, 3}), index = Tensor::zeros({2, 1}, DType::int32);
  const Tensor seven = Tensor::full({2, 1}, 7, DType::int32);
  CHECK_THROWS_WITH(cumsum(x, 2), Contains("[cumsum] axis 2 of (2, 3)"));
  CHECK_THROWS_WITH(prod(x, {2}), Contains("[prod] axis 2 of (2, 3)"));
  CHECK_THROWS_WITH(prod(x, {1, -1}), Contains("[prod] axis -1 of (2, 3) is given twice"));
  CHECK_THROWS_WITH(prod(index), Contains("[prod] needs a floating dtype, not int32"));
  CHECK_THROWS_WITH(gather(x, index, 2), Contains("[gather] axis 2 of (2, 3)"));
  CHECK_THROWS_WITH(gather(x, x, 1), Contains("[gather] index is float32, not int32"));
  CHECK_THROWS_WITH(gather(x, Tensor::zeros({3, 1}, DType::int32), 1),
                    Contains("[gather] index is (3, 1), x (2, 3), along axis 1"));
  CHECK_THROWS_WITH(gather(x, seven, 1),
                    Contains("[gather] index 7 at 0 is out of range for 3 elements along axis 1"));
  CHECK_THROWS_WITH(scatter(x, index, x, 1),
                    Contains("[scatter] index is (2, 1), values (2, 3), x (2, 3), along axis 1"));
  CHECK_THROWS_WITH(scatter_add(x, seven, Tensor::zeros({2, 1}), 1),
                    Contains("[scatter_add] index 7 at 0 is out of range"));
  CHECK_THROWS_WITH(scatter(x, index, Tensor::zeros({2, 1}, DType::float64), 1),
                    Contains("[scatter] dtypes float32 and float64"));
  CHECK_THROWS_WITH(index_select(x, Tensor::zeros({1}, DType::int32), 2),
                    Contains("[index_select] axis 2 of (2, 3)"));
  CHECK_THROWS_WITH(index_select(x, Tensor::full({1}, 3, DType::int32), 1),
                    Contains("index 3 at 0 is out of range for 3 rows"));
  CHECK_THROWS_WITH(one_hot(x, 3), Contains("[one_hot] labels are float32, not int32"));
  CHECK_THROWS_WITH(one_hot(index, 0), Contains("[one_hot] 0 classes"));
}

TEST_CASE("products say what is wrong with their arguments", "[ops]") {
  const Tensor x = Tensor::zeros({2, 3}), y = Tensor::zeros({4, 5});
  CHECK_THROWS_WITH(matmul(Tensor::zeros({2, 3, 4}), Tensor::zeros({3, 4, 5})),
                    Contains("[matmul] a is (2, 3, 4), b is (3, 4, 5)"));
  CHECK_THROWS_WITH(matmul(Tensor::zeros({}), x), Contains("[matmul] a is (), b is (2, 3)"));
  CHECK_THROWS_WITH(matmul(Tensor::zeros({3}), y), Contains("[matmul] a is (3), b is (4, 5)"));
  CHECK_THROWS_WITH(einsum("ij,jk->ik", {x, y}),
                    Contains("[einsum] \"ij,jk->ik\": j is 3 in (2, 3) and 4 in (4, 5)"));
  CHECK_THROWS_WITH(einsum("ij,jk->ik", {x}),
                    Contains("[einsum] \"ij,jk->ik\": it names 2 operands, and is given 1"));
  CHECK_THROWS_WITH(einsum("ijk->i", {x}), Contains("[einsum] \"ijk->i\": ijk is (2, 3)"));
  CHECK_THROWS_WITH(einsum("ii->i", {x}), Contains("i stands twice in one place"));
  CHECK_THROWS_WITH(einsum("ij->ijj", {x}), Contains("j stands twice in one place"));
  CHECK_THROWS_WITH(einsum("ij->ik", {x}), Contains("no operand has the result's k"));
  CHECK_THROWS_WITH(einsum("...j->j", {x}), Contains("'.' is no letter"));
  CHECK_THROWS_WITH(einsum("ij,jk->ik", {x, Tensor::zeros({3, 5}, DType::float64)}),
                    Contains("[einsum] dtypes float32 and float64"));
}

}  // namespace tweed
