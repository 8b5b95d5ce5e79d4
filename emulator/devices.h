// The GPUs that the emulator claims to have: which is current, and which sees another's memory.
#pragma once
#include <string>

namespace emulator {

int device_count();       ///< EMULATOR_GPUS, 1
bool exists_device(int);  ///< whether there is a device of that number
int& current_device();    ///< of the calling thread
/// Whether kernels of a device may touch another's memory.
bool reaches(int device, int owner);
/// "device 0, which has no access to that of device 1: ...": what to say where they may not.
std::string no_access(int device, int owner);
/// ": the stream is of device 1, the event of device 0".
std::string other_device(const char* what, int has, const char* other, int wanted);

}  // namespace emulator
