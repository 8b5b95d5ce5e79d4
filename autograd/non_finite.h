// Which operation made the first NaN or infinity of a training step, forward or backward, and in
// which layer. Looking at every result waits for the device, so it is done only while wanted.
#pragma once
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace tweed {

/// A result that is NaN or infinite, though nothing was before it; or what an operation was given
/// that is, though no operation made it: an image, a weight.
struct NonFinite : Error {
  NonFinite(const std::string& what, const void* where) : Error(what), module(where) {}
  const void* module;  ///< the Module that computed it, or null
};

/// While one lives, each result that operations of this thread record, and each gradient of a walk
/// back, is looked at. They throw NonFinite: "[log] forward: (2, 3) -> (2, 3): its result has NaN".
class FindNonFinite {
 public:
  explicit FindNonFinite(bool wanted = true);
  ~FindNonFinite();
  FindNonFinite(const FindNonFinite&) = delete;
  FindNonFinite& operator=(const FindNonFinite&) = delete;

 private:
  bool before_;
};

/// While one lives, what is recorded on this thread is a module's: the innermost one's.
class OfModule {
 public:
  explicit OfModule(const void* module);
  ~OfModule();
  OfModule(const OfModule&) = delete;
  OfModule& operator=(const OfModule&) = delete;
  static const void* current();

 private:
  const void* before_;
};

/// What is wrong with a tensor's numbers: "NaN", "infinity"; empty if nothing is. Waits for the
/// device.
std::string non_finite(const Tensor& t);

// For the graph, both of no effect unless wanted: looks at a result, and what it was computed from;
// at the gradients that an operation gave for dy.
void look_at_result(const char* op, const std::vector<Tensor>& inputs, const Tensor& y);
void look_at_gradients(const char* op, const void* module, const std::vector<Tensor>& gradients);

}  // namespace tweed
