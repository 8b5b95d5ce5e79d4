// The tables by which `auto` chooses, and the plans that came of it.
//
// Rows for `cuda` and `sim` that say so are measured on an H200 (docs/results/h200.md), in bfloat16
// with 256 images; the others are reasoned. They assume that it copies at 4 TB/s and that cuBLAS
// reaches 50 TFLOP/s in float32 and 600 in bfloat16. The implicit kernels use no tensor cores: 35
// TFLOP/s, half of the float32 peak. mma is built on mma.sync, which is slower than Hopper's own
// wgmma: 400 TFLOP/s in bfloat16 and 200 in TF32, two thirds of what mma.sync could reach. The
// costs below are picoseconds for each element of im2col's matrix, which has a row for each place
// and K K Ci columns; the other algorithms, which store no such matrix, do as many multiplications
// for it:
//
//   im2col     a write and a read, and 2 Co operations:   8 B / 4 TB/s + 2 Co / 50 TFLOP/s
//                                                       = 2 ps + Co 0.04 ps    in float32
//                                                         2 ps + Co 0.0067 ps  in TF32
//                                                         1 ps + Co 0.0033 ps  in bfloat16
//   implicit   2 Co operations, Co rounded up to its tile of 64:   Co 0.057 ps
//   mma        2 Co operations:                           Co 0.01 ps   in TF32
//                                                         Co 0.005 ps  in bfloat16
//
// That is the forward pass; the gradients have the same counts. So in float32 implicit is ahead for
// Co = 64 (3.7 ps against im2col's 4.6) and equal at 128; for Co below 33 more than half of its
// tile is empty. In bfloat16 and TF32 mma is ahead up to Co = 600, except for images that are their
// own matrix, which im2col need not copy. A row that conv_bench has measured takes the place of the
// argument beside it.
#include "autograd/conv/choice.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <tuple>

#include "autograd/graph.h"
#include "kernels/conv/register_tile.h"

namespace tweed {
namespace {

using namespace conv;

// ---- the tables ---------------------------------------------------------------------------------

constexpr unsigned bit(ConvPass pass) { return 1u << unsigned(pass); }
constexpr unsigned forward = bit(ConvPass::forward), input_gradient = bit(ConvPass::input),
                   weight_gradient = bit(ConvPass::weight), every_pass = 7;
// float32 whose products tensor cores take, as TF32, is `tf`.
enum Type : unsigned { f32 = 1, f64 = 2, bf = 4, tf = 8, every_type = 15 };
struct Between {
  int64_t least = 0, most = INT64_MAX;
  bool has(int64_t v) const { return least <= v && v <= most; }
};
// The first row whose conditions all hold, and whose algorithm the device has and can use for the
// shape, names the algorithm.
struct Row {
  unsigned passes = every_pass, types = every_type;
  Between kernel, stride, padding, in_channels, out_channels;
  Between terms;   // of each sum: patch, K K Co or places
  Between pixels;  // of a result
  Between multiply_adds;
  Between places;        // windows of all images
  bool avx512 = false;   // only where the register tile's vectors hold 16 numbers
  bool answers = false;  // only without a graph, where filters are kept (kept_filters.h)
  const ConvAlgorithm* algorithm = nullptr;
};

const Row gpu_table[] = {
    // Reasoned: a group's product would have one column, of which a tile of tensor cores holds 8,
    // and im2col's matrix is as large as for all channels.
    {.algorithm = &depthwise},
    // The image already is im2col's matrix: nothing is copied, and the library's product is the
    // best.
    {.kernel = {1, 1}, .stride = {1, 1}, .padding = {0, 0}, .algorithm = &im2col},
    // So little work that starting kernels, about 3 us each, is all of the time. naive starts one,
    // leaves no tile half empty, and its threads' sums of at most 128 terms are short.
    {.terms = {0, 128}, .multiply_adds = {0, int64_t(1) << 22}, .algorithm = &naive},
    // Windows larger than mma takes, as of a vision transformer's patches. They stand apart, so
    // that
    // im2col's matrix is no larger than the image.
    {.types = bf | tf, .kernel = {16, INT64_MAX}, .algorithm = &im2col},
    // Measured. Few pixels make fewer tiles than there are multiprocessors: im2col takes 0.65 of
    // mma's time for 512 channels of 4x4, and for the input gradient of a stride of 2 a third.
    {.types = bf,
     .kernel = {2, INT64_MAX},
     .in_channels = {256, INT64_MAX},
     .out_channels = {256, INT64_MAX},
     .pixels = {0, 16},
     .multiply_adds = {int64_t(1) << 30, INT64_MAX},
     .algorithm = &im2col},
    // Measured: 0.2 to 0.7 of im2col's time for the other convolutions of ResNet-18 and SimpleNet.
    // Reasoned for other types: Co 0.005 ps in bfloat16 against 1 ps + Co 0.0033 ps, and likewise
    // in TF32. A stem's few
    // channels are packed first, in one pass over the image, which is small beside its matrix.
    {.types = bf | tf, .out_channels = {0, 600}, .algorithm = &mma},
    // A stem: im2col's matrix is K K / stride^2 times as large as the image, and its rows of an odd
    // number of elements (147 for 7x7x3) are not aligned for tensor cores. Not the input gradient,
    // in which implicit's tile of 64 channels would hold 3.
    {.passes = forward | weight_gradient, .in_channels = {0, 4}, .algorithm = &implicit},
    // 3.7 ps against im2col's 4.6 for Co = 64, as computed at the top.
    {.passes = forward | weight_gradient,
     .types = f32,
     .out_channels = {33, 64},
     .algorithm = &implicit},
    // The same for the input gradient, whose tile is of input channels. It is stride^2 products,
    // each of which starts two kernels: with a stride of 3 these would be 18.
    {.passes = input_gradient,
     .types = f32,
     .stride = {1, 2},
     .in_channels = {33, 64},
     .out_channels = {0, 64},
     .algorithm = &implicit},
    {.algorithm = &im2col},
};

// On `cpu`, in float32 (and bfloat16, which is converted): where conv_bench on two Zen 3 cores, or for
// AVX-512 on two Zen 4 cores, shows an algorithm ahead of oneDNN's direct one
// (docs/results/conv_cpu.md); the figures are its time as a share of direct's. For most other weight
// gradients tiled and direct are equals, and direct gives the bias gradient as well.
const Row cpu_table[] = {
    // 0.33 to 0.6. With fewer windows or channels, the filters' transforms cost what they save.
    {.types = f32 | bf,
     .kernel = {3, 3},
     .stride = {1, 1},
     .in_channels = {16, INT64_MAX},
     .out_channels = {16, INT64_MAX},
     .pixels = {9, INT64_MAX},
     .places = {128, INT64_MAX},
     .algorithm = &winograd},
    // 0.3 to 0.4 for one image of 7x7 pixels and 512 channels, once the filters are there.
    {.passes = forward,
     .types = f32 | bf,
     .kernel = {3, 3},
     .stride = {1, 1},
     .in_channels = {16, INT64_MAX},
     .out_channels = {16, INT64_MAX},
     .pixels = {9, INT64_MAX},
     .places = {32, INT64_MAX},
     .answers = true,
     .algorithm = &winograd},
    // A stem: 0.3 to 0.5 for the input gradient, which has only three results a pixel; 0.5 to 0.85
    // for the weight gradient.
    {.passes = input_gradient | weight_gradient,
     .kernel = {2, INT64_MAX},
     .in_channels = {0, 4},
     .algorithm = &tiled},
    // 1x1 windows that widen 64 channels to 256: 0.6 to 0.8.
    {.passes = weight_gradient,
     .kernel = {1, 1},
     .stride = {1, 1},
     .in_channels = {64, 96},
     .out_channels = {256, INT64_MAX},
     .avx512 = true,
     .algorithm = &tiled},
    // 1x1 windows that widen 128 channels to 512: 0.9, where tiled takes 0.95.
    {.passes = weight_gradient,
     .kernel = {1, 1},
     .stride = {1, 1},
     .padding = {0, 0},
     .in_channels = {97, 128},
     .out_channels = {512, INT64_MAX},
     .avx512 = true,
     .algorithm = &im2col},
    // Few pixels: 0.35 to 0.75, since most windows reach beyond the border and tiled leaves out the
    // taps that lie there.
    {.passes = weight_gradient,
     .kernel = {2, INT64_MAX},
     .in_channels = {128, INT64_MAX},
     .pixels = {0, 16},
     .algorithm = &tiled},
    // Depthwise, 5x5 and 7x7: 0.3 to 0.7 (two AVX2 cores, batch 8, docs/convolution.md), since
    // oneDNN has no kernel of its own for these. For 3x3 ours mostly takes 1.2 of its time, and for
    // the other passes 1.4.
    {.passes = weight_gradient, .kernel = {4, INT64_MAX}, .algorithm = &depthwise},
    {.algorithm = &direct},
    // float64, no channels, and shapes for which oneDNN has reference code only.
    {.algorithm = &depthwise},
    {.algorithm = &tiled},
    // Other groups of those, which tiled has not.
    {.algorithm = &im2col},
};

// ---- one pass -----------------------------------------------------------------------------------

// What the choice depends on beside the shape.
struct Setting {
  DType dtype;
  Device device;
  bool tf32;
  bool answers;  // without a graph
};

Type type_of(const Setting& at) {
  if (at.dtype == DType::float32) return at.tf32 ? tf : f32;
  return at.dtype == DType::float64 ? f64 : bf;
}

// Channels are those of a group. A transposed convolution may cut pixels off: padding below 0.
bool describes(const Row& r, ConvPass pass, const AnyConv& c, const Setting& at) {
  const AnyWindow& w = c.window;
  const int64_t terms = pass == ConvPass::forward ? c.filter()
                        : pass == ConvPass::input ? c.taps() * c.group_out()
                                                  : w.places();
  auto both = [](const Between& range, int64_t rows, int64_t columns) {
    return range.has(rows) && range.has(columns);
  };
  return (r.passes & bit(pass)) && (r.types & type_of(at)) && (!r.answers || at.answers) &&
         both(r.kernel, w.rows.kernel, w.columns.kernel) &&
         both(r.stride, w.rows.stride, w.columns.stride) &&
         both(r.padding, w.rows.before, w.columns.before) &&
         both(r.padding, std::abs(w.rows.after), std::abs(w.columns.after)) &&
         r.in_channels.has(c.group_in()) && r.out_channels.has(c.group_out()) &&
         r.terms.has(terms) && r.pixels.has(w.out_h() * w.out_w()) &&
         r.multiply_adds.has(w.places() * c.filter() * c.out_channels) &&
         r.places.has(w.places()) && (!r.avx512 || simd_level() == SimdLevel::avx512);
}

bool usable(const ConvAlgorithm& a, ConvPass pass, const AnyConv& c, const Setting& at) {
  return (!a.can || a.can(c, pass, at.dtype)) && (!a.sensible || a.sensible(c)) &&
         (!a.lacking || a.lacking(at.device).empty());
}

const ConvAlgorithm* by_table(ConvPass pass, const AnyConv& c, const Setting& at) {
  const bool on_cpu = at.device.kind() == Device::Kind::cpu;
  const auto rows = on_cpu ? std::span<const Row>(cpu_table) : std::span<const Row>(gpu_table);
  for (const Row& r : rows)
    if (describes(r, pass, c, at) && usable(*r.algorithm, pass, c, at)) return r.algorithm;
  throw Error("[conv2d] no row of the table is for this convolution");  // the last one is for all
}

// ---- plans --------------------------------------------------------------------------------------

ConvPlan make_plan(const AnyConv& c, const Setting& at, const ConvAlgorithm* wanted) {
  auto of = [&](ConvPass pass) {
    return wanted ? &able(*wanted, c, pass, at.dtype) : by_table(pass, c, at);
  };
  return {of(ConvPass::forward), of(ConvPass::input), of(ConvPass::weight)};
}

// @param answers  the plan holds without a graph alone
std::string line_of(const AnyConv& c, const ConvPlan& plan, bool answers) {
  const auto& [rows, columns] = std::tie(c.window.rows, c.window.columns);
  std::string text = "conv " + std::to_string(c.window.C) + "->" + std::to_string(c.out_channels) +
                     " " + std::to_string(rows.kernel) + "x" + std::to_string(columns.kernel) +
                     "/" + Pair(rows.stride, columns.stride).str();
  const Pair dilation(rows.dilation, columns.dilation);
  if (dilation != 1) text += " dilated by " + dilation.str();
  if (c.groups > 1) text += " in " + std::to_string(c.groups) + " groups";
  text += " at " + std::to_string(c.window.H) + "x" + std::to_string(c.window.W) + ": forward " +
          plan.forward->name;
  if (answers) return text + ", without gradients";
  return text + ", input " + plan.input->name + ", weight " + plan.weight->name;
}

// A cache of the plans made so far. A plan is a function of its key, so that results do not depend
// on what has been computed before. The lock is for threads that compute on different devices.
class Plans {
 public:
  ConvPlan find(const AnyConv& c, const Setting& at, const ConvAlgorithm* wanted) {
    const Key key{c, at.dtype, at.device.kind(), at.device.index(), at.tf32, at.answers, wanted};
    std::lock_guard lock(mutex_);
    auto found = plans_.find(key);
    if (found == plans_.end()) {
      found = plans_.emplace(key, make_plan(c, at, wanted)).first;
      const ConvPlan trained = make_plan(c, {at.dtype, at.device, at.tf32, false}, wanted);
      note(at.device, c, found->second, found->second.forward != trained.forward);
    }
    return found->second;
  }
  /// Of one device, or of all.
  std::vector<std::string> lines(const Device* device) {
    std::lock_guard lock(mutex_);
    std::vector<std::string> lines;
    for (auto& [at, line] : lines_)
      if ((!device || at == *device) && std::find(lines.begin(), lines.end(), line) == lines.end())
        lines.push_back(line);
    return lines;
  }
  std::vector<std::string> names() {
    std::lock_guard lock(mutex_);
    return {names_.begin(), names_.end()};
  }

 private:
  using Key = std::tuple<AnyConv, DType, Device::Kind, int, bool, bool, const ConvAlgorithm*>;

  void note(Device device, const AnyConv& c, const ConvPlan& plan, bool answers) {
    const std::pair line(device, line_of(c, plan, answers));
    if (std::find(lines_.begin(), lines_.end(), line) == lines_.end()) lines_.push_back(line);
    for (auto* a : {plan.forward, plan.input, plan.weight}) names_.insert(a->name);
  }

  std::mutex mutex_;
  std::map<Key, ConvPlan> plans_;
  std::vector<std::pair<Device, std::string>> lines_;  // in order of first use
  std::set<std::string> names_;
};

Plans& plans() {
  static Plans all;
  return all;
}

}  // namespace

ConvPlan plan_conv(const AnyConv& c, DType dtype, Device device, const ConvAlgorithm* wanted) {
  if (!wanted) wanted = conv_algorithm(device);
  if (wanted) check_conv_algorithm(*wanted, device);
  return plans().find(c, {dtype, device, uses_tf32(device), !grad_enabled()}, wanted);
}

std::vector<std::string> conv_choices() { return plans().lines(nullptr); }
std::vector<std::string> conv_choices(Device device) { return plans().lines(&device); }
std::vector<std::string> conv_algorithms_used() { return plans().names(); }

}  // namespace tweed
