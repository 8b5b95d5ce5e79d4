// NCCL's functions, from a library that is looked for when the first of them is wanted: programs
// for one GPU start without it.
#pragma once
#include <nccl.h>

namespace tweed {

struct Nccl {
  decltype(&ncclGetVersion) version;
  decltype(&ncclGetUniqueId) new_id;
  decltype(&ncclCommInitRank) join;
  decltype(&ncclCommDestroy) leave;
  decltype(&ncclCommGetAsyncError) async_error;
  decltype(&ncclAllReduce) all_reduce;
  decltype(&ncclAllGather) all_gather;
  decltype(&ncclGetErrorString) text_of;
  decltype(&ncclGetLastError) last_error;
};
/// @throws Error  where the library is not found
const Nccl& nccl();

}  // namespace tweed
