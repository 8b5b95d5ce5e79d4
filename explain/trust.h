// Whether a map can be trusted: does taking away what it shows take away the answer, and does it
// depend on the weights at all?
#pragma once
#include <string>
#include <vector>

#include "explain/methods.h"

namespace tweed {

/// What becomes of the target's probability while an image goes or comes, the pixels in order of a
/// map, largest value first. Entry i of a curve is what is left after i / (size - 1) of the pixels.
struct TrustCurves {
  std::vector<double> deletion;  ///< pixels become the baseline: a good map's falls at once
  std::vector<double>
      insertion;  ///< pixels come into the blurred image: a good map's rises at once
};
/// @param x      (1, H, W, C)
/// @param map    (H, W) or (1, H, W)
/// @param parts  in which pixels go and come
/// Source: Petsiuk, Das, Saenko 2018, arXiv:1806.07421
TrustCurves trust_curves(Module& network, const Tensor& x, int32_t target, const Tensor& map,
                         int64_t parts = 20, const ExplainOptions& options = {});
/// The mean of a curve, which is the area under it: 0 to 1.
double area_under(const std::vector<double>& curve);
/// A map (H, W) that has nothing to say, whose curves others can be compared with.
Tensor random_map(int64_t height, int64_t width, uint64_t seed);

/// How like a method's maps stay while the network's weights become random, from the last layer to
/// the first.
struct RandomisedNetwork {
  std::vector<std::string> layers;  ///< the one up to which weights were random at each measurement
  std::vector<double> similarity;   ///< there: mean over images of rank_correlation()

  /// With half of the layers random: none of what they had learnt about classes is left.
  double half() const { return similarity.empty() ? 1 : similarity[(similarity.size() - 1) / 2]; }
  /// With all layers random.
  double all() const { return similarity.empty() ? 1 : similarity.back(); }
  /// A map that says something of the network is another when half of the network is another. What
  /// a method takes from the image alone stays.
  bool depends_on_weights() const { return half() < most_alike; }
  static constexpr double most_alike = 0.7;
};
/// Weights become random by shuffling each layer's own, so that their size stays. All are as they
/// were in the end.
///
/// @param x         (N, H, W, C); targets stay those of the network as it is
/// @param measured  at most so many times, evenly over the layers; the last is with all of them
/// Source: Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim 2018, arXiv:1810.03292
RandomisedNetwork randomised_network(Module& network, const Tensor& x, const ExplainMethod& method,
                                     const ExplainOptions& options = {}, const Tensor& targets = {},
                                     int64_t measured = 6);

/// Spearman's rank correlation of absolute values: 1 for the same order, about 0 for maps that have
/// nothing in common. Equal values share a rank. 0 where one map is the same everywhere.
double rank_correlation(const Tensor& a, const Tensor& b);

}  // namespace tweed
