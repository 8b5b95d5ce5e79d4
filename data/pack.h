// Decoded images in one file, which later runs map into memory instead of decoding again.
//
// A pack is the pixels of all images that could be read, (count, side, side, 3), then a description
// in JSON, then the number of its bytes and eight bytes that say what the file is. It belongs to a
// list of files as they were: their names, sizes and times of change. Where one of these differs
// the pack is made anew. It is written whole or not at all, so that a run that is stopped leaves
// none.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace tweed {

/// What a pack holds, from its end.
struct Pack {
  int side = 0;
  int64_t listed = 0;                     ///< images of the list, damaged ones included
  std::string sources;                    ///< sources_of() the list
  std::vector<int64_t> damaged;           ///< indexes into the list, in order,
  std::vector<std::string> reasons;       ///< and what is wrong with each
  PixelSums sums;                         ///< of all pixels
  std::shared_ptr<const uint8_t> pixels;  ///< mapped; of listed - damaged images
};

/// @throws FormatError  if the file is missing, no pack, or does not have the bytes that it claims
Pack read_pack(const std::string& path);

/// 16 hexadecimal digits of the samples' names, places in their files, and those files' sizes and
/// times of change; a file that is not there counts too.
std::string sources_of(const std::vector<Sample>& samples, int workers);

/// 16 hexadecimal digits of a text, for the names of packs.
std::string digits_of(const std::string& text);

/// Gives a data set the pixels of its pack, which is made first where it is missing or not of these
/// images any more. To be called before the data set is shared.
/// @param tick  see Dataset::decode(); is not called if the pack is there
/// @param note  becomes a sentence about a pack that was made again
/// @return      images that could not be read, and are left out
/// @throws Error  if the pack cannot be written
std::vector<DamagedImage> use_pack(Dataset& data, const std::string& path, int workers,
                                   const std::function<void(int64_t done)>& tick,
                                   std::string& note);

}  // namespace tweed
