// The page of a movie: one HTML file, which loads nothing from anywhere.
#pragma once
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "kernels/machine/sim/movie.h"

namespace tweed {

/// What the page draws: the launch, its source as far as the files are here, the steps of its
/// blocks, and in sentences what was left out.
nlohmann::json movie_data(const sim::Movie& movie);

/// @throws Error  "PATH: cannot be written: REASON"
void write_movie(const std::string& path, const sim::Movie& movie);

/// Films the next launch on the simulator of a kernel whose name contains `kernel`: its page is
/// written as soon as it is over, and `say` told, in a line.
/// @throws Error  where no page can be written, or a file that is none would be replaced. Should
///                that come to light only then, the launch throws it.
void film_to(const std::string& path, const std::string& kernel,
             const std::function<void(const std::string&)>& say);
/// Why film_to() has made no page so far, in a line; empty if it has, or was not asked to. Ends the
/// waiting.
std::string why_no_movie();

}  // namespace tweed
