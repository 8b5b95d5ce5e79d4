// Tensors, their memory, and random numbers.
#include <cmath>
#include <cstdlib>

#include "kernels/philox.h"
#include "tests/catch.h"
#include "tests/support.h"

namespace tweed {
namespace {

using Doubles = std::vector<double>;

}  // namespace

TEST_CASE("shapes", "[tensor]") {
  const Shape shape = {2, 3, 4};
  CHECK(shape.str() == "(2, 3, 4)");
  CHECK(shape.size() == 24);
  CHECK(Shape{}.size() == 1);
  CHECK(shape[-1] == 4);
  CHECK(shape != Shape{2, 3});
  CHECK_THROWS_AS(shape[3], ShapeError);
  CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError);
  CHECK_THROWS_AS(Shape{-1}, ShapeError);
}

TEST_CASE("elements go in and come back", "[tensor]") {
  for (Device device : test_devices()) {
    INFO(device.name());
    Tensor t = Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3}, device);
    CHECK(t.dtype() == DType::float32);
    CHECK(t.device() == device);
    CHECK(t.to_vector<float>() == std::vector<float>{1, 2, 3, 4, 5, 6});
    CHECK(t.bytes() == 24);
    CHECK(Tensor::scalar(2.5, DType::float64, device).item() == 2.5);
    CHECK_THROWS_AS(t.item(), ShapeError);
    CHECK_THROWS_WITH(t.to_vector<double>(), Contains("float32, not float64"));
    CHECK_THROWS_AS(Tensor::from(Doubles{1, 2}, {3}), ShapeError);
    CHECK(Tensor::zeros({0, 3}, DType::float32, device).to_doubles().empty());
    Tensor copy = t.clone();
    t.fill(7);
    CHECK(copy.to_doubles()[0] == 1);
    copy.copy_from(Tensor::full({2, 3}, 9, DType::int32));
    CHECK(copy.to_doubles() == Doubles(6, 9));
    CHECK_THROWS_AS(copy.copy_from(Tensor::zeros({6})), ShapeError);
  }
  CHECK_THROWS_AS(Tensor().shape(), ShapeError);
}

TEST_CASE("dtypes convert, bfloat16 to nearest even", "[tensor]") {
  for (Device device : test_devices()) {
    INFO(device.name());
    const Doubles values = {0, -1.5, 3.75, 200, NAN, INFINITY, 1 + 0x1p-8, 1 + 3 * 0x1p-8};
    Tensor t = Tensor::from(values, {8}, device);
    const Doubles rounded = t.to(DType::bfloat16).to_doubles();
    CHECK(difference(rounded, {0, -1.5, 3.75, 200, NAN, INFINITY, 1, 1 + 0x1p-6}, 0) == "");
    const Tensor numbers = t.slice(0, 4);
    CHECK(numbers.to(DType::int32).to_vector<int32_t>() == std::vector<int32_t>{0, -1, 3, 200});
    CHECK(numbers.to(DType::int32).to(DType::uint8).to_doubles()[3] == 200);
    CHECK(t.to(DType::float64).same(t));
  }
}

// What a half means, as IEEE 754 writes it.
static double meaning_of(uint32_t half) {
  const int exponent = int(half >> 10 & 31), fraction = int(half & 1023);
  const double size = exponent == 31  ? (fraction ? NAN : INFINITY)
                      : exponent == 0 ? std::ldexp(fraction, -24)
                                      : std::ldexp(1024 + fraction, exponent - 25);
  return half & 0x8000 ? -size : size;
}

TEST_CASE("every half goes to float32 and float64 and back, bit for bit", "[tensor]") {
  std::vector<f16> all(65536);
  Doubles meanings(all.size());
  for (uint32_t h = 0; h < all.size(); ++h) {
    all[h] = {uint16_t(h)};
    meanings[h] = meaning_of(h);
  }
  for (Device device : test_devices()) {
    INFO(device.name());
    const Tensor halves = Tensor::from(all, {65536}, device);
    CHECK(halves.dtype() == DType::float16);
    CHECK(halves.bytes() == 2 * 65536);
    CHECK(difference(halves.to_doubles(), meanings, 0) == "");
    for (DType wide : {DType::float32, DType::float64}) {
      const Tensor there = halves.to(wide), back = there.to(DType::float16);
      const auto values = there.to_doubles();
      const auto bits = back.to_vector<f16>();
      for (uint32_t h = 0; h < all.size(); ++h) {
        const bool good = std::isnan(meanings[h])
                              ? std::isnan(values[h]) && (bits[h].bits & 0x7fff) > 0x7c00
                              : values[h] == meanings[h] && bits[h].bits == h;
        if (!good) FAIL("half " << h << " became " << values[h] << " and " << bits[h].bits);
      }
    }
  }
}

TEST_CASE("floats become the nearest half, of two as near the even one", "[tensor]") {
  std::vector<float> values;
  std::vector<uint16_t> wanted;
  const auto add = [&](float value, uint32_t half) {
    for (uint32_t sign : {0u, 0x8000u}) {
      values.push_back(sign ? -value : value);
      wanted.push_back(uint16_t(sign | half));
    }
  };
  for (uint32_t h = 0; h < 0x7bff; ++h) {
    const auto middle = float((meaning_of(h) + meaning_of(h + 1)) / 2);
    add(middle, h % 2 ? h + 1 : h);
    add(std::nextafter(middle, 0.f), h);
    add(std::nextafter(middle, 1e9f), h + 1);
  }
  add(std::nextafter(65520.f, 0.f), 0x7bff);
  for (float large : {65520.f, 65536.f, 1e30f, INFINITY}) add(large, 0x7c00);
  add(1e-40f, 0);
  const auto n = int64_t(values.size());
  for (Device device : test_devices()) {
    INFO(device.name());
    const auto got = Tensor::from(values, {n}, device).to(DType::float16).to_vector<f16>();
    for (std::size_t i = 0; i < values.size(); ++i)
      if (got[i].bits != wanted[i])
        FAIL(values[i] << " became " << got[i].bits << ", not " << wanted[i]);
    const Tensor whole = Tensor::from<int32_t>({0, -7, 2049, 2051, 70000}, {5}, device);
    CHECK(whole.to(DType::float16).to_doubles() == Doubles{0, -7, 2048, 2052, INFINITY});
    const Tensor full = Tensor::full({3}, 0.1, DType::float16, device);
    CHECK(full.to_doubles() == Doubles(3, 0x1.998p-4));
    CHECK(full.to(DType::bfloat16).to_doubles() == Doubles(3, 0x1.9ap-4));
  }
}

TEST_CASE("tensors move between devices", "[tensor]") {
  Tensor t = random_tensor({5, 7});
  for (Device device : test_devices()) CHECK(same_bits(t.to(device).to(Device()), t));
}

TEST_CASE("reshape and slice share storage", "[tensor]") {
  Tensor t = Tensor::from(Doubles{1, 2, 3, 4, 5, 6}, {3, 2});
  CHECK(t.reshape({-1}).shape() == Shape{6});
  CHECK(t.reshape({2, -1}).shape() == Shape{2, 3});
  CHECK_THROWS_WITH(t.reshape({4, -1}), Contains("[reshape]"));
  CHECK_THROWS_WITH(t.reshape({-1, -1}), Contains("only one"));
  CHECK_THROWS_WITH(t.reshape({5}), Contains("(3, 2) to (5)"));
  Tensor row = t.slice(1, 2);
  CHECK(row.to_doubles() == Doubles{3, 4});
  row.fill(0);
  CHECK(t.to_doubles() == Doubles{1, 2, 0, 0, 5, 6});
  CHECK(t.slice(3, 3).size() == 0);
  CHECK_THROWS_WITH(t.slice(2, 4), Contains("2 to 4 of (3, 2)"));
  Tensor flat = Tensor::zeros({6}, DType::float64);
  t.reshape({6}).slice(0, 2).move_into(flat.slice(4, 6));
  CHECK(flat.to_doubles() == Doubles{0, 0, 0, 0, 1, 2});
}

TEST_CASE("version counters belong to a view", "[tensor]") {
  Tensor flat = Tensor::zeros({4});
  Tensor a = flat.slice(0, 2), b = flat.slice(2, 4), same = a.detach();
  const uint32_t version = a.version();
  b.fill(1);
  CHECK(a.version() == version);
  same.fill(1);
  CHECK(a.version() == version + 1);
  a.zero();
  a.copy_from(b);
  CHECK(same.version() == version + 3);
}

TEST_CASE("tensors print", "[tensor]") {
  CHECK(Tensor::from(std::vector<int32_t>{1, 2, 3, 4}, {2, 2}).str() ==
        "[[1, 2],\n [3, 4]]  int32 (2, 2) on cpu");
  CHECK(Tensor::from<f16>({{0x3c00}, {0xc100}}, {2}).str() == "[1, -2.5]  float16 (2) on cpu");
  CHECK(Tensor::scalar(0.5).str() == "0.5  float32 () on cpu");
  CHECK(Tensor().str() == "undefined tensor");
  const std::string large = Tensor::zeros({100, 100}).str();
  CHECK_THAT(large, Contains("..."));
  CHECK(large.size() < 1000);
}

TEST_CASE("the pool counts, reuses, and gives back", "[pool]") {
  release_cached_memory();
  const MemoryStats before = memory_stats();
  reset_peak_memory();
  const void* place;
  {
    Tensor t = Tensor::zeros({1 << 20});
    place = t.read<float>().data();
    CHECK(memory_stats().current >= before.current + (4 << 20));
    CHECK(reinterpret_cast<std::uintptr_t>(place) % 64 == 0);
  }
  CHECK(memory_stats().current == before.current);
  CHECK(memory_stats().peak >= before.current + (4 << 20));
  CHECK(memory_stats().reserved >= before.current + (4 << 20));
  CHECK(Tensor::empty({1 << 20}).read<float>().data() == place);
  release_cached_memory();
  CHECK(memory_stats().reserved == memory_stats().current);
}

TEST_CASE("the pool rounds sizes up, unless TWEED_EXACT_POOL=1", "[pool]") {
  const char* value = std::getenv("TWEED_EXACT_POOL");
  const bool exact = value && std::string(value) == "1";
  for (Device device : test_devices()) {
    const std::size_t before = memory_stats(device).current;
    const Tensor small = Tensor::empty({1001}, DType::uint8, device);
    CHECK(memory_stats(device).current - before == (exact ? 1001 : 1024));
    const Tensor large = Tensor::full({(3 << 20) + 1}, 1, DType::uint8, device);
    const std::size_t both = exact ? 1001 + (3 << 20) + 1 : 1024 + (4 << 20);
    CHECK(memory_stats(device).current - before == both);
  }
}

TEST_CASE("running out of memory says what is asked, held, and by whom", "[pool]") {
  release_cached_memory();
  MemoryLabel label("a test");
  Tensor held = Tensor::zeros({1 << 20});
  set_memory_limit({}, 16 << 20);
  CHECK_THROWS_WITH(Tensor::empty({16 << 20}),
                    Contains("[memory]") && Contains("67.1 MB") && Contains("a test"));
  // What is cached is dropped before giving up.
  { Tensor cached = Tensor::empty({2 << 20}); }
  CHECK_NOTHROW(Tensor::empty({(5 << 20) / 2}));
  set_memory_limit({}, 0);
  CHECK_NOTHROW(Tensor::empty({16 << 20}));
  release_cached_memory();
}

TEST_CASE("devices are found by name", "[tensor]") {
  CHECK(Device::parse("cpu") == Device());
  CHECK(Device::parse("sim").name() == "sim");
  for (const char* wrong : {"", "gpu", "cuda:", "cuda:x", "cpu:0"})
    CHECK_THROWS_AS(Device::parse(wrong), DeviceError);
  CHECK_THROWS_WITH((on<Cuda, Sim>(Device(), [](auto&) {})), Contains("cuda, sim"));
}

TEST_CASE("Philox gives the published numbers", "[random]") {
  // Random123's known answers for philox4x32-10.
  auto check = [](uint64_t key, std::array<uint32_t, 4> c, std::array<uint32_t, 4> wanted) {
    const Random4 r = philox(key, c[0], c[1], c[2], c[3]);
    for (std::size_t i = 0; i < 4; ++i) CHECK(r.v[i] == wanted[i]);
  };
  check(0, {0, 0, 0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  check(~uint64_t(0), {~0u, ~0u, ~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  check(uint64_t(0x299f31d0) << 32 | 0xa4093822u, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
        {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("random numbers are spread as they should be", "[random]") {
  Random random(1, Purpose::test);
  const int n = 100000;
  double mean = 0, normal_mean = 0, normal_square = 0;
  std::vector<int> counts(7);
  for (int i = 0; i < n; ++i) {
    const double u = random.uniform();
    REQUIRE((u >= 0 && u < 1));
    mean += u / n;
    const double z = random.normal();
    normal_mean += z / n;
    normal_square += z * z / n;
    ++counts[random.below(7)];
  }
  CHECK(mean == Approx(0.5).margin(0.005));
  CHECK(normal_mean == Approx(0).margin(0.015));
  CHECK(normal_square == Approx(1).margin(0.03));
  for (int count : counts) CHECK(count == Approx(n / 7).epsilon(0.05));
  CHECK(Random(1, Purpose::test).bits() == Random(1, Purpose::test).bits());
  CHECK(Random(1, Purpose::test).bits() != Random(1, Purpose::init).bits());
  CHECK(Random(1, Purpose::test, 0, 1).bits() != Random(1, Purpose::test, 1, 0).bits());
  // Beyond 2^34 elements a key's blocks still differ.
  const RandomKey key = {1, Purpose::test};
  CHECK(key.block(5).v[0] != key.block(5 + (int64_t(1) << 32)).v[0]);
}

}  // namespace tweed
