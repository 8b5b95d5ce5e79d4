// What tensors share, and where their memory comes from. Chapter 1 of docs/course.
#include <cstdio>

#include "tweed.h"
using namespace tweed;

// The element n, h, w, c of an image batch (N, H, W, C), as its place in memory.
int64_t place_of(const Tensor& images, int64_t n, int64_t h, int64_t w, int64_t c) {
  return ((n * images.dim(1) + h) * images.dim(2) + w) * images.dim(3) + c;
}

void who_shares_what() {
  const Tensor a = Tensor::from<float>({0, 1, 2, 3, 4, 5}, {3, 2});
  const Tensor b = a;                  // another handle of the same tensor
  const Tensor row = a.slice(1, 2);    // its second row
  const Tensor flat = a.reshape({6});  // the same elements under another shape
  const Tensor own = a.clone();
  row.fill(7);
  std::printf("a:    %s\n", a.str().c_str());
  std::printf("flat: %s\n", flat.str().c_str());
  std::printf("own:  %s\n", own.str().c_str());
  std::printf("b is a: %d, row is a: %d, a owns its storage: %d, own: %d\n", b.same(a), row.same(a),
              a.owns_storage(), own.owns_storage());
}

void where_a_pixel_lies() {
  const Tensor images = Tensor::zeros({8, 32, 32, 3});
  std::printf("%lld numbers, %zu bytes\n", static_cast<long long>(images.size()), images.bytes());
  std::printf("red of pixel (4, 5) of image 1: %lld, green: %lld, the pixel below: %lld\n",
              static_cast<long long>(place_of(images, 1, 4, 5, 0)),
              static_cast<long long>(place_of(images, 1, 4, 5, 1)),
              static_cast<long long>(place_of(images, 1, 5, 5, 0)));
}

void what_the_pool_keeps() {
  const auto say = [](const char* when) {
    const MemoryStats stats = memory_stats();
    std::printf("%s: %zu in use, %zu reserved\n", when, stats.current, stats.reserved);
  };
  release_cached_memory();
  say("at first");
  const void* first = nullptr;
  {
    const Tensor t = Tensor::empty({1000});  // 4,000 bytes
    first = t.address();
    say("with 4,000 bytes");
  }
  say("after their end");
  const Tensor u = Tensor::empty({30, 33});  // 3,960 bytes: the same size class
  std::printf("another tensor, at the same address: %d\n", u.address() == first);
}

int main() {
  who_shares_what();
  where_a_pixel_lies();
  what_the_pool_keeps();
}
