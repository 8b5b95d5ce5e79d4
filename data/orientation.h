// Which way up a photo is, as cameras write it into Exif.
#pragma once
#include <string_view>

#include "data/image.h"

namespace tweed {

/// Exif's orientation, 1 to 8, from the TIFF structure that follows "Exif\0\0" in a JPEG's APP1
/// marker; 1 (upright) if it has none or is damaged.
/// Source: CIPA DC-008 (Exif 2.32), 4.6.4 A and 4.5.4
int exif_orientation(std::string_view tiff);

/// The image turned and mirrored so that it is upright.
Image upright(Image image, int orientation);

}  // namespace tweed
