// Statistics of an image's colours, and curves that its pixel values go through.
#pragma once
#include <array>
#include <cstdint>

namespace tweed {

/// What each of 256 pixel values becomes, by channel.
using Curve = std::array<std::array<uint8_t, 256>, 3>;
Curve identity_curve();

/// How often each value occurs, by channel.
using Histogram = std::array<std::array<int64_t, 256>, 3>;
/// @param pixels  (count, 3)
Histogram histogram_of(const uint8_t* pixels, int64_t count);
/// The same once the pixels went through a curve.
Histogram histogram_after(const Histogram& before, const Curve& curve);
std::array<double, 3> mean_of(const uint8_t* pixels, int64_t count);

// Pillow's ImageOps.

/// Keeps the upper `bits` bits of each value.
Curve posterize_curve(int bits);
/// Values from `threshold` on become 255 minus themselves.
Curve solarize_curve(double threshold);
/// Stretches each channel to 0...255; a channel of one value stays.
Curve autocontrast_curve(const Histogram& histogram);
/// Spreads each channel's values evenly.
Curve equalize_curve(const Histogram& histogram);
/// `second` after `first`.
Curve chained(const Curve& first, const Curve& second);

}  // namespace tweed
