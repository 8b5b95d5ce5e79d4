// The one header that a kernel file includes. The build says which machine this compilation is
// for: TWEED_CPU, TWEED_SIM, or neither under nvcc. A kernel goes into namespace MACHINE.
#pragma once
#include "kernels/machine/machine.h"
#if defined(TWEED_CPU)
#include "kernels/machine/cpu/cpu.h"
#define MACHINE cpu
#elif defined(TWEED_SIM)
#include "kernels/machine/sim/sim.h"
#define MACHINE sim
#else
#include "kernels/machine/cuda/cuda.h"
#define MACHINE cuda
#endif
