// What NCCL's operations do to numbers.
#pragma once
#include <nccl.h>

#include <cstddef>
#include <vector>

namespace emulator {

std::size_t bytes_of(ncclDataType_t);  ///< 0 of a type that the emulator does not know
const char* name_of(ncclDataType_t);   ///< "ncclFloat32"
const char* name_of(ncclRedOp_t);      ///< "ncclSum"
/// to[i] = from[0][i] op from[1][i] op ..., rank after rank, rounded to the type after each. `to`
/// may be one of them.
void reduce(ncclDataType_t, ncclRedOp_t, std::size_t count, const std::vector<const char*>& from,
            char* to);

}  // namespace emulator
