// What fooled a network: images before and after, what it says of them, and what is made of that.
#pragma once
#include <string>
#include <vector>

#include "apps/drawings/sheets.h"
#include "apps/json_output.h"
#include "attacks/fool.h"

namespace tweed::app {

/// An image of 8 bits a channel, and what a network says of it.
struct Judged {
  Image image;
  Answer answer;  ///< the likeliest
  double target;  ///< probability of what it was to be taken for
};

/// A change of an image that a fooled network might see through.
struct Change {
  std::string name;
  Tensor (*apply)(const Tensor& x);  ///< (N, H, W, 3) to the same
};
/// Mirrored, 80 % from the middle at full size again, turned by 30 degrees, grey.
const std::vector<Change>& changes();

/// One image's way.
struct FooledImage {
  std::string name, file;
  int32_t label, target;  ///< label: -1 where it is not known
  Judged before, after;   ///< `after` as a picture of 8 bits, which is what a file keeps
  Image noise;            ///< what was added, magnified
  double reached;         ///< the target's probability before it was rounded to 8 bits
  double largest;         ///< change of a pixel, in 1/255
  int steps;
  std::vector<Judged> changed;  ///< under each of changes()
};

/// Fools the network with samples. @param with_changes  fills FooledImage::changed
std::vector<FooledImage> fool_samples(const Checkpoint& checkpoint, const Samples& samples,
                                      const std::vector<int32_t>& targets,
                                      const FoolOptions& options, bool with_changes, Device device);

/// What a network says of the images before and after, in per cent.
struct Transfer {
  std::string network;
  double before = 0;  ///< right about the original, or as the fooled network was
  double after = 0;   ///< the same of the fooled image
  double target = 0;  ///< taken for the target
};
Transfer transfer_to(const Checkpoint& other, const std::vector<FooledImage>& images,
                     Device device);

/// "peppers.png: bell pepper 0.91 -> space shuttle 0.99, 12 steps, 8.0/255 at most"
std::string text(const FooledImage& image);
Json json_of(const FooledImage& image);
/// Original, noise, result and what was made of it in a row; or, where there are no noises to be
/// shown, originals beside results.
Sheet fooled_sheet(const std::vector<FooledImage>& images, const CheckpointInfo& info,
                   bool in_pairs);

}  // namespace tweed::app
