#include "distributed/nccl.h"

#include <dlfcn.h>

#include <string>

#include "kernels/machine/error.h"

namespace tweed {

static std::string last_problem() {
  const char* text = ::dlerror();
  return text ? text : "unknown error";
}

template <class F>
static void find(void* library, F& function, const char* name) {
  function = reinterpret_cast<F>(::dlsym(library, name));
  if (!function) throw Error("[nccl] a library that is too old: " + last_problem());
}

static Nccl load() {
  void* library = ::dlopen("libnccl.so.2", RTLD_NOW | RTLD_LOCAL);
  if (!library)
    throw Error("several processes with a GPU each need NCCL's library, which is not found (" +
                last_problem() +
                "): install libnccl2 from NVIDIA's package repository, or name the folder that has "
                "it in LD_LIBRARY_PATH, such as that of a PyTorch for CUDA");
  Nccl all{};
  find(library, all.version, "ncclGetVersion");
  find(library, all.new_id, "ncclGetUniqueId");
  find(library, all.join, "ncclCommInitRank");
  find(library, all.leave, "ncclCommDestroy");
  find(library, all.async_error, "ncclCommGetAsyncError");
  find(library, all.all_reduce, "ncclAllReduce");
  find(library, all.all_gather, "ncclAllGather");
  find(library, all.text_of, "ncclGetErrorString");
  find(library, all.last_error, "ncclGetLastError");
  return all;
}

const Nccl& nccl() {
  static const Nccl all = load();
  return all;
}

}  // namespace tweed
