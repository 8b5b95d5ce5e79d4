// What environment variables change: EMULATOR_LATE and its like, listed in README.md.
#pragma once

namespace emulator {

/// The value of a switch, or `otherwise` if it is not set. A name or a value that is none ends the
/// program when it starts, with the names that there are: a switch that has no effect would pass
/// for a test that was made. Programs that set one themselves set one that is right.
long switched(const char* name, long otherwise);
/// The same of a switch that is on or off.
inline bool is_on(const char* name, bool otherwise) { return switched(name, otherwise) != 0; }

}  // namespace emulator
