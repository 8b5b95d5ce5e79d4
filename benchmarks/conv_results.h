// What conv_bench found out, and the forms in which it says so.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "benchmarks/contender.h"
#include "benchmarks/conv_shapes.h"
#include "data/image.h"

namespace tweed::bench {

/// A contender's figures for a pass of a convolution.
struct Figure {
  double seconds = 0;           ///< median of the turns
  std::optional<double> ratio;  ///< to the fastest rival's time, median of the turns
  Facts facts;
};
/// In the order of the contenders; none where one does not compute this.
using Figures = std::vector<std::optional<Figure>>;

struct ShapeResult {
  ConvShape shape;
  int64_t checked_images = 1;
  int sets = 1;                    ///< of operands, which the passes of a turn take in turn
  std::array<Figures, 3> figures;  ///< in the order of `passes`
};

struct NetworkResult {
  std::string name;  ///< of the model and its image size, or of single shapes
  std::vector<ShapeResult> shapes;
};

struct ContenderInfo {
  std::string name, description;
  bool is_rival = false;
};

struct ConvResults {
  Device device;
  DType dtype = DType::float32;
  int64_t batch = 1;
  int pairs = 1;
  double load = 0;  ///< processes that wanted to run in the last minute, this one's threads too
  double peak = 0;  ///< operations a second
  std::vector<ContenderInfo> contenders;
  std::vector<NetworkResult> networks;

  bool has_rivals() const;
};

/// "float32", "TF32" or "bfloat16".
std::string precision_of(const ConvResults& results);

/// The seconds of a pass over all layers of a network: by one contender, or, without one, by the
/// fastest of ours or of the rivals for each layer. None where one does not compute some layer.
std::optional<double> total_of(const NetworkResult& network, Pass pass, std::size_t contender);
std::optional<double> best_total(const ConvResults& results, const NetworkResult& network,
                                 Pass pass, bool rivals);

/// "cpu, 2 threads, float32, FMA peak 231 GFLOP/s", how it is measured on a GPU, and a line for
/// each contender.
std::string heading(const ConvResults& results);
/// A line for each pass and contender.
std::string text_of(const ConvResults& results, const ShapeResult& shape);
/// The times of all layers together.
std::string totals_text(const ConvResults& results, const NetworkResult& network);

/// Everything, as JSON.
std::string json_of(const ConvResults& results);
/// A page for docs/results/.
/// @param command  how it was measured;   @param picture  a path to link, or empty
std::string markdown_of(const ConvResults& results, const std::string& command,
                        const std::string& picture);
/// Bars of each of our algorithms' time over the fastest rival's, a row for each shape.
Image picture_of(const ConvResults& results);

}  // namespace tweed::bench
