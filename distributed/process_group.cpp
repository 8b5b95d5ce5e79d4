#include "distributed/process_group.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "kernels/machine/error.h"
#include "kernels/machine/printable.h"

namespace tweed {

bool ProcessGroup::any(bool here) {
  const Tensor count = Tensor::full({1}, here ? 1 : 0);
  sum(count);
  return count.item() > 0;
}

// Facts are short, so all of them travel; a length goes before each text.
static std::string packed(const std::vector<Fact>& facts) {
  std::string all;
  for (auto& fact : facts) {
    for (auto* text : {&fact.name, &fact.value}) all += std::to_string(text->size()) + " " + *text;
  }
  return all;
}
static std::vector<Fact> unpacked(const std::string& all) {
  std::vector<Fact> facts;
  std::size_t at = 0;
  auto text = [&] {
    const std::size_t space = all.find(' ', at), size = std::stoul(all.substr(at, space - at));
    at = space + 1 + size;
    return all.substr(space + 1, size);
  };
  while (at < all.size()) {
    std::string name = text();
    facts.push_back({std::move(name), text()});
  }
  return facts;
}

void check_agreement(ProcessGroup& group, const std::vector<Fact>& facts) {
  const auto all = group.gather(packed(facts));
  const auto first = unpacked(all[0]);
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    const auto other = unpacked(all[rank]);
    for (std::size_t i = 0; i < std::max(first.size(), other.size()); ++i) {
      const Fact none{"", "none"};
      const Fact &a = i < first.size() ? first[i] : none, &b = i < other.size() ? other[i] : none;
      if (a.name == b.name && a.value == b.value) continue;
      throw Error("the processes do not agree: rank " + std::to_string(rank) + " has another " +
                  printable(a.name.empty() ? b.name : a.name) + " than rank 0 (" +
                  printable(b.value, 200) + " instead of " + printable(a.value, 200) + ")");
    }
  }
}

// FNV-1a. Source: Fowler, Noll, Vo, http://www.isthe.com/chongo/tech/comp/fnv/
std::string digest(const void* bytes, std::size_t size, const std::string& before) {
  uint64_t h = 0xcbf29ce484222325u;
  auto take = [&](const void* from, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i)
      h = (h ^ static_cast<const unsigned char*>(from)[i]) * 0x100000001b3u;
  };
  take(before.data(), before.size());
  take(bytes, size);
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(h));
  return text;
}

std::string digest(const std::vector<Tensor>& tensors) {
  std::string result;
  for (auto& t : tensors) {
    const auto values = t.to_doubles();
    result = digest(values.data(), values.size() * sizeof values[0], result);
  }
  return result;
}

int own_processors(ProcessGroup& group) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  std::string mine = host;
  mine.append(1, '\0').append(reinterpret_cast<const char*>(&set), sizeof set);
  const auto all = group.gather(mine);
  const auto sharing = std::count(all.begin(), all.end(), mine);
  return std::max(1, int(CPU_COUNT(&set) / sharing));
}

}  // namespace tweed
