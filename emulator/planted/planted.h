// Mistakes that the emulator must find, each beside its right twin, which it must let pass.
#pragma once
#include <cstddef>
#include <vector>

/// How a mistake comes to light.
enum class Found {
  error,  ///< a call of CUDA fails, and the emulator says why
  wrong,  ///< no call fails; the result is wrong, surely and not by luck
  crash,  ///< the host's own access to memory ends the program
};

struct Planted {
  const char* name;
  Found found;
  const char* says;  ///< part of what the emulator says; null where it says nothing
  const char* file;  ///< here, whose line with the comment "BUG: name" is named; null if none is
  const char* mode;  ///< NAME=VALUE of the environment in which it shows; null: in any
  /// Whether the result was right. Ends the process by way of checked() where a call fails.
  bool (*run)(bool bug);
  const char* arch = nullptr;  ///< EMULATOR_ARCH=NUMBER, where it needs one
};

std::vector<Planted> planted_in_kernels();
std::vector<Planted> planted_in_host_code();
std::vector<Planted> planted_on_devices();
std::vector<Planted> planted_in_nccl();    ///< none in a build without NCCL
std::vector<Planted> planted_in_hopper();  ///< kernels of compute capability 9.0

/// Ends the process, as a program does whose call of CUDA failed, unless the status is 0.
void checked(int status);
