// AutoAttack and its parts beside others' on 100 small images (tests/golden/README.md).
#include <cmath>
#include <numeric>

#include "tests/attacks/stored.h"
#include "tests/catch.h"
#include "tests/support.h"

using namespace tweed;
using namespace tweed::stored;

namespace {

PgdOptions as_stored(Norm norm) {
  const double eps = norm == Norm::linf ? 4 / 255. : 0.15;
  return {.space = pixel_space(eps, eps / 4, means, deviation, norm), .steps = 20};
}

double share_of_ones(const Tensor& mask) {
  const auto values = mask.to_doubles();
  return std::accumulate(values.begin(), values.end(), 0.) / double(values.size());
}
double share_right(Stored& stored, const Tensor& images) {
  const auto said = answers(stored.network, images);
  const auto labels = stored.labels.to_vector<int32_t>();
  int64_t right = 0;
  for (std::size_t i = 0; i < said.size(); ++i) right += said[i] == labels[i];
  return double(right) / double(said.size());
}

}  // namespace

TEST_CASE("AutoAttack and its parts leave as many images right as others' do") {
  const SafeTensors others = read_safetensors(source_path("tests/golden/autoattack.safetensors"));
  Stored stored(Device(), others);
  for (Norm norm : {Norm::linf, Norm::l2})
    for (const char* name : {"apgd-ce", "apgd-t", "fab-t", "square", "autoattack"}) {
      PgdOptions options = as_stored(norm);
      if (std::string(name) == "square") options.steps = 1000;
      const Tensor images = stored.attacked(name, options);
      CHECK(outside(images, stored.x, options.space) == 0);
      const double ours = share_right(stored, images);
      for (const char* package : {"torchattacks", "authors"}) {
        const std::string key = std::string(package) + "/" + name_of(norm) + "/" + name;
        const double theirs = share_of_ones(others.tensors.at(key));
        INFO(key << ": " << theirs << ", ours " << ours);
        CHECK(std::abs(ours - theirs) < 0.021);  // two of the images
      }
    }
}
