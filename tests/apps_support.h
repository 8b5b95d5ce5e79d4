// The apps as a user runs them, for the tests that do so.
#pragma once
#include <string>
#include <vector>

#include "tests/process.h"

namespace tweed {

using Words = std::vector<std::string>;

/// The words between spaces.
Words split(const std::string& text);
/// Runs an app to its end.
Outcome run_app(const std::string& name, const Words& arguments);
/// The arguments of train_miniplaces for a run of a second or less, and `more`.
Words small_run(const std::string& out, const Words& more = {});
/// Trains with them.
Outcome train(const std::string& out, const Words& more = {});

std::string bytes_of(const std::string& path);
void write_text(const std::string& path, const std::string& text);

/// Checks that there is one line on stderr that says `what`, and the exit code.
void check_refused(const Outcome& o, const std::string& what, int code = 2);

}  // namespace tweed
