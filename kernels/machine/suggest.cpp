#include "kernels/machine/suggest.h"

#include <algorithm>
#include <cctype>
#include <numeric>

#include "kernels/machine/printable.h"

namespace tweed {
namespace {

// "--ResNet-18" as "resnet18".
std::string letters_of(const std::string& word) {
  std::string letters;
  for (unsigned char c : word)
    if (std::isalnum(c)) letters += char(std::tolower(c));
  return letters;
}

// The letters to change, put in, take out or exchange with their neighbour: the distance of
// Damerau and Levenshtein, in its restricted form.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  std::iota(d[0].begin(), d[0].end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = a[i - 1] == b[j - 1];
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + !same});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

}  // namespace

std::string did_you_mean(const std::string& word, const std::vector<std::string>& names) {
  constexpr std::size_t longest = 100;  // of a word that anybody would type
  if (word.size() > longest) return "";
  const std::string typed = letters_of(word);
  // Half of a short word may be wrong by accident, but then it is another word.
  std::size_t least = typed.size() / 3 + 1;
  std::string nearest;
  for (auto& name : names) {
    const std::string known = letters_of(name);
    const bool begins = typed.size() >= 3 && known.starts_with(typed);
    const std::size_t apart =
        begins ? std::min<std::size_t>(1, known.size() - typed.size()) : distance(typed, known);
    if (apart >= least) continue;
    least = apart;
    nearest = name;
  }
  return nearest.empty() ? "" : "; did you mean " + in_quotes(nearest) + "?";
}

}  // namespace tweed
