// The camera and the weather in front of it: from a painted canvas to a photo.
#pragma once
#include "data/image.h"
#include "data/tiny_places/scene.h"

namespace tweed::scenes {

/// How much larger the canvas is than the view, so that the view can be turned and moved.
inline constexpr float kMargin = 1.16f;

/// Rain, falling snow or mist in front of everything.
void draw_weather(Scene& scene);

/// Takes a photo of size x size: tilt, zoom and mirroring, focus, exposure, colours, vignetting and
/// the sensor's noise.
Image take_photo(Scene& scene, int size);

}  // namespace tweed::scenes
