// Those who compete in conv_bench: our algorithms, and the libraries beside them.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "benchmarks/conv_data.h"

namespace tweed::bench {

/// What there is to say of a pass beside its time.
struct Facts {
  std::optional<int64_t> workspace;  ///< bytes that it takes beside inputs and result
  double error = 0;                  ///< see ConvData::error()
};

/// Computes the passes of one convolution after another.
class Contender {
 public:
  virtual ~Contender() = default;
  virtual std::string name() const = 0;
  /// Its version or the like; may be empty.
  virtual std::string description() const { return ""; }
  virtual bool is_rival() const = 0;
  /// Gets everything ready; false if it cannot or should not compute this. `data` must stay.
  virtual bool prepare(const ConvData& data) = 0;
  /// Seconds of one pass, the mean of `repeats` that follow each other, on the sets of operands in
  /// turn.
  virtual double seconds_each(Pass pass, int repeats) = 0;
  virtual Facts facts(Pass pass) = 0;
};
using ContenderPtr = std::unique_ptr<Contender>;

/// One of conv_algorithms(device). @throws Error  if it is not
ContenderPtr our_algorithm(const std::string& name, Device device);

/// oneDNN with its own choice of layouts for images as well as weights; `cpu` only.
ContenderPtr onednn_rival();

/// How PyTorch is asked for convolutions on `cuda`.
struct TorchWay {
  bool search = false;          ///< cuDNN tries its algorithms, instead of taking its default
  bool channels_first = false;  ///< images are NCHW, as PyTorch has them by itself
};
/// PyTorch in a process of its own (torch_conv_bench.py): on `cpu` with its allocator tuned, on
/// `cuda` cuDNN. @throws Error  if it does not start
ContenderPtr torch_rival(const std::string& python, Device device, DType dtype,
                         const TorchWay& way = {});

}  // namespace tweed::bench
