// The tables by which `auto` chooses, and what it chose.
//
// The rows for `cuda` and `sim` are REASONED, NOT MEASURED: there was no GPU to measure on. They
// assume an H200 that copies at 4 TB/s, where cuBLAS reaches 50 TFLOP/s in float32 and 600 in
// bfloat16, and the implicit kernels, which know no tensor cores, 35 (half of its peak). mma
// reaches 400 in bfloat16 and 200 in TF32: mma.sync, which Hopper's wider wgmma leaves behind, two
// thirds of that in use. Let an element of im2col's matrix be the unit. It costs
//
//   im2col     a write and a read, and 2 Co operations:   8 B / 4 TB/s + 2 Co / 50 TFLOP/s
//                                                       = 2 ps + Co 0.04 ps    in float32
//                                                         2 ps + Co 0.0067 ps  in TF32
//                                                         1 ps + Co 0.0033 ps  in bfloat16
//   implicit   2 Co operations, Co rounded up to its tile of 64:   Co 0.057 ps
//   mma        2 Co operations:                           Co 0.01 ps   in TF32
//                                                         Co 0.005 ps  in bfloat16
//
// for the forward pass and, with the same counts, for the gradients. So float32 favours implicit
// for Co = 64 (3.7 ps against 4.6) and is at a draw at 128; below 33 half of its tile is empty.
// bfloat16 and TF32 favour mma up to Co = 600, and the library's product for images that are their
// own matrix. A row that conv_bench has measured takes the place of the argument beside it.
#include "autograd/conv/choice.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>

#include "autograd/conv/mma_passes.h"
#include "kernels/conv/direct.h"
#include "kernels/conv/mma.h"

namespace tweed {
namespace {

using enum ConvAlgorithm;

// ---- the table ----------------------------------------------------------------------------------

enum Pass : unsigned { forward = 1, input_gradient = 2, weight_gradient = 4, every_pass = 7 };
// float32 whose products tensor cores take, as TF32, is `tf`.
enum Type : unsigned { f32 = 1, f64 = 2, bf = 4, tf = 8, every_type = 15 };
struct Between {
  int64_t least = 0, most = INT64_MAX;
  bool has(int64_t v) const { return least <= v && v <= most; }
};
// The first row whose conditions all hold names the rung.
struct Row {
  unsigned passes = every_pass, types = every_type;
  Between kernel, stride, padding, in_channels, out_channels;
  Between terms;   // of each sum: patch, K K Co or places
  Between pixels;  // of a result
  Between multiply_adds;
  ConvAlgorithm rung = im2col;
};

const Row table[] = {
    // The image already is im2col's matrix: nothing is copied, and the library's product is the
    // best.
    {.kernel = {1, 1}, .stride = {1, 1}, .padding = {0, 0}, .rung = im2col},
    // About 3 us for each launch are all the time there is: naive has one, no tile that stays
    // empty, and a thread's sum is short.
    {.terms = {0, 128}, .multiply_adds = {0, int64_t(1) << 22}, .rung = naive},
    // As above; stems too, whose pixels mma packs in a pass over no more than the image. Where it
    // can
    // compute: else the rows that follow.
    {.types = bf | tf, .kernel = {1, mma_most_taps}, .out_channels = {0, 600}, .rung = mma},
    // The stem: the columns are K K / stride^2 times the image, and their rows of an odd number of
    // elements (147 for 7x7x3) are not aligned for tensor cores. Not the input gradient, whose tile
    // would hold 3 channels of 64.
    {.passes = forward | weight_gradient, .in_channels = {0, 4}, .rung = implicit},
    // As above: 3.7 ps against 4.6.
    {.passes = forward | weight_gradient, .types = f32, .out_channels = {33, 64}, .rung = implicit},
    // The input gradient is stride^2 products, each of two launches.
    {.passes = input_gradient,
     .types = f32,
     .stride = {1, 2},
     .in_channels = {33, 64},
     .out_channels = {0, 64},
     .rung = implicit},
    {.rung = im2col},
};

// On `cpu`, in float32 (and bf16, which is converted): where conv_bench on two Zen 4 cores shows a
// rung ahead of oneDNN's direct algorithms (docs/results/conv_cpu.md). `tiled` and `direct` are
// equals for most other weight gradients; `direct` gives the bias gradient as well.
const Row cpu_table[] = {
    // Three channels. The input gradient has only 3 results a pixel: `tiled` needs 0.3 to 0.5 of
    // the time; the weight gradient 0.5 to 0.85.
    {.passes = input_gradient | weight_gradient,
     .kernel = {2, INT64_MAX},
     .in_channels = {0, 4},
     .rung = tiled},
    // 1x1 expansions: 64 > 256 takes 0.6 to 0.8; 128 > 512 0.9, and by `tiled` 0.95.
    {.passes = weight_gradient,
     .kernel = {1, 1},
     .stride = {1, 1},
     .in_channels = {64, 96},
     .out_channels = {256, INT64_MAX},
     .rung = tiled},
    {.passes = weight_gradient,
     .kernel = {1, 1},
     .stride = {1, 1},
     .padding = {0, 0},
     .in_channels = {97, 128},
     .out_channels = {512, INT64_MAX},
     .rung = im2col},
    // Few pixels, which leave out the most taps at the border: 0.35 to 0.75.
    {.passes = weight_gradient,
     .kernel = {2, INT64_MAX},
     .in_channels = {128, INT64_MAX},
     .pixels = {0, 16},
     .rung = tiled},
    // 0.55 to 0.85, the more the larger the image; with fewer channels, images or pixels the
    // transforms and the reordering cost as much as they save.
    {.passes = forward | input_gradient,
     .kernel = {3, 3},
     .stride = {1, 1},
     .in_channels = {64, INT64_MAX},
     .out_channels = {64, INT64_MAX},
     .pixels = {64, INT64_MAX},
     .multiply_adds = {int64_t(1) << 26, INT64_MAX},
     .rung = winograd},
    {.rung = direct},
};

Type type_of(DType dtype, Device device) {
  if (dtype == DType::float32) return uses_tf32(device) ? tf : f32;
  return dtype == DType::float64 ? f64 : bf;
}

// Whether pixels and chunks of at least four numbers are fewer than 2^31: see check_mma_size().
bool mma_can_count(const Conv& c) {
  const Window& w = c.window;
  const int64_t pixels = w.N * w.H * w.W, places = w.places(), limit = int64_t(1) << 31;
  return std::max({pixels, pixels * w.C / 4, places, places * c.out_channels / 4}) < limit;
}

// exists(rung): whether a rung that not every machine or library has is there for this shape.
template <std::size_t n, class F>
ConvAlgorithm from_table(const Row (&rows)[n], Pass pass, const Conv& c, Type type, F exists) {
  const Window& w = c.window;
  const int64_t terms = pass == forward          ? w.patch()
                        : pass == input_gradient ? w.kernel * w.kernel * c.out_channels
                                                 : w.places();
  auto fits = [&](const Row& r) {
    return (r.passes & pass) && (r.types & type) && r.kernel.has(w.kernel) &&
           r.stride.has(w.stride) && r.padding.has(w.padding) && r.in_channels.has(w.C) &&
           r.out_channels.has(c.out_channels) && r.terms.has(terms) &&
           r.pixels.has(w.out_h() * w.out_w()) &&
           r.multiply_adds.has(w.places() * w.patch() * c.out_channels) && exists(r.rung);
  };
  return std::find_if(std::begin(rows), std::end(rows), fits)->rung;
}

// ---- what was chosen ----------------------------------------------------------------------------

std::atomic<ConvAlgorithm> chosen{automatic};

struct Choice {
  Conv conv;  // of any number of images
  ConvPlan plan;
  bool operator==(const Choice&) const = default;
};
std::mutex choices_mutex;
std::vector<Choice>& choices() {
  static std::vector<Choice> all;
  return all;
}

void note(Conv c, const ConvPlan& plan) {
  c.window.N = 0;
  const Choice choice{c, plan};
  std::lock_guard lock(choices_mutex);
  if (std::find(choices().begin(), choices().end(), choice) == choices().end())
    choices().push_back(choice);
}

// Every rung with its name and machines.
struct Rung {
  const char* name;
  ConvAlgorithm algorithm;
  bool on_cpu, elsewhere;  // elsewhere: `cuda` and `sim`
};
const Rung rungs[] = {
    {"auto", automatic, true, true},     {"naive", naive, false, true},
    {"im2col", im2col, true, true},      {"implicit", implicit, false, true},
    {"mma", mma, false, true},           {"direct", direct, true, false},
    {"winograd", winograd, true, false}, {"tiled", tiled, true, false},
};
const Rung& rung_of(ConvAlgorithm algorithm) {
  return *std::find_if(std::begin(rungs), std::end(rungs),
                       [&](const Rung& r) { return r.algorithm == algorithm; });
}
std::string name_of(ConvAlgorithm algorithm) { return rung_of(algorithm).name; }

// The rung of a pass on `cpu`, where oneDNN does not have everything.
ConvAlgorithm on_cpu(ConvAlgorithm rung, Pass pass, const Conv& c, DType dtype) {
  const bool automatically = rung == automatic;
  auto exists = [&](ConvAlgorithm r) { return r != winograd || conv_has_winograd(c); };
  if (automatically) rung = from_table(cpu_table, pass, c, f32, exists);
  if (rung == im2col || rung == tiled) return rung;
  if (dtype == DType::float64) return tiled;
  if (rung == winograd && (pass == weight_gradient || !conv_has_winograd(c))) rung = direct;
  if (rung == direct && automatically && !conv_direct_is_fast(c)) return tiled;
  return rung;
}

ConvAlgorithm rung_for(Pass pass, const Conv& c, DType dtype, Device device) {
  const ConvAlgorithm wanted = chosen;
  if (device.kind() == Device::Kind::cpu) return on_cpu(wanted, pass, c, dtype);
  if (wanted == mma && (dtype == DType::float64 || c.window.kernel > mma_most_taps))
    return implicit;
  if (wanted != automatic) return wanted;
  auto exists = [&](ConvAlgorithm r) {
    return r != mma || (has_tensor_cores(device) && mma_can_count(c));
  };
  return from_table(table, pass, c, type_of(dtype, device), exists);
}

}  // namespace

ConvPlan plan_conv(const Conv& c, DType dtype, Device device) {
  check_conv_algorithm(chosen, device);
  const ConvPlan plan{rung_for(forward, c, dtype, device),
                      rung_for(input_gradient, c, dtype, device),
                      rung_for(weight_gradient, c, dtype, device)};
  note(c, plan);
  return plan;
}

std::vector<std::string> conv_choices() {
  std::lock_guard lock(choices_mutex);
  std::vector<std::string> lines;
  for (auto& [c, plan] : choices()) {
    const Window& w = c.window;
    auto text = [](int64_t n) { return std::to_string(n); };
    lines.push_back("conv " + text(w.C) + "->" + text(c.out_channels) + " " + text(w.kernel) + "x" +
                    text(w.kernel) + "/" + text(w.stride) + " at " + text(w.H) + "x" + text(w.W) +
                    ": forward " + name_of(plan.forward) + ", input " + name_of(plan.input) +
                    ", weight " + name_of(plan.weight));
  }
  return lines;
}

std::vector<std::string> conv_algorithms_used() {
  std::lock_guard lock(choices_mutex);
  std::set<std::string> names;
  for (auto& [c, plan] : choices())
    for (ConvAlgorithm a : {plan.forward, plan.input, plan.weight}) names.insert(name_of(a));
  return {names.begin(), names.end()};
}

ConvAlgorithm parse_conv_algorithm(const std::string& name) {
  std::string all;
  for (const Rung& r : rungs) {
    if (name == r.name) return r.algorithm;
    const bool last = &r == std::end(rungs) - 1;
    all += (all.empty() ? "" : last ? " or " : ", ") + std::string(r.name);
  }
  throw Error("there is no convolution '" + name + "': use " + all);
}

std::vector<std::string> conv_algorithms(Device device) {
  std::vector<std::string> all;
  for (const Rung& r : rungs)
    if (r.algorithm != automatic && (device.kind() == Device::Kind::cpu ? r.on_cpu : r.elsewhere) &&
        (r.algorithm != winograd || has_winograd()))
      all.push_back(r.name);
  return all;
}

void check_conv_algorithm(ConvAlgorithm algorithm, Device device) {
  const Rung& r = rung_of(algorithm);
  if (algorithm == mma && !has_tensor_cores(device))
    throw DeviceError("[conv2d] 'mma' works on GPUs since sm_80, not on " + device.name());
  if (algorithm == winograd && device.kind() == Device::Kind::cpu && !has_winograd())
    throw DeviceError(
        "[conv2d] 'winograd' is oneDNN 2's, on processors with AVX-512, which are not both here; "
        "'direct' and 'tiled' are");
  if (device.kind() == Device::Kind::cpu ? r.on_cpu : r.elsewhere) return;
  throw DeviceError(std::string("[conv2d] '") + r.name + "' works on " +
                    (r.on_cpu ? machine_names<Cpu>() : machine_names<Cuda, Sim>()) + ", not on " +
                    device.name());
}

void set_conv_algorithm(ConvAlgorithm algorithm) { chosen = algorithm; }
ConvAlgorithm conv_algorithm() { return chosen; }

}  // namespace tweed
