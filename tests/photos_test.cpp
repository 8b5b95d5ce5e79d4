// Real photos, where they are at hand: ../shared/data beside the tree, or the folder that
// TWEED_SHARED_DATA names. They are not ours to publish.
#include <cstdlib>
#include <filesystem>

#include "apps/paths.h"
#include "tests/catch.h"
#include "tests/first_losses.h"
#include "tests/temporary_folder.h"

using namespace tweed;

TEST_CASE("The first 50 losses on real photos are PyTorch's") {
  const char* given = std::getenv("TWEED_SHARED_DATA");
  std::string shared = given ? given : source_path("../shared/data");
  std::string archive = shared + "/miniplaces-20k.tar";
  if (!std::filesystem::exists(archive)) {
    WARN("skipped: there is no miniplaces-20k.tar; TWEED_SHARED_DATA can name its folder");
    return;
  }
  TemporaryFolder folder;
  std::string unpack = "tar -xf '" + archive + "' -C '" + folder.path() + "'";
  REQUIRE(std::system(unpack.c_str()) == 0);
  Dataset data = photos(folder.path() + "/miniplaces");
  REQUIRE(data.size() == 2000);

  auto wanted = read_safetensors(source_path("tests/golden/photo_losses.safetensors"))
                    .tensors.at("losses")
                    .to_doubles();
  auto losses = first_losses(data, 50);
  for (std::size_t i = 0; i < 50; ++i) {
    INFO("step " << i);
    CHECK(losses[i] == Approx(wanted[i]).epsilon(1e-5));
  }
}
