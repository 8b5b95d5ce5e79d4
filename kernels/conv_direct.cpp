// Facts about oneDNN that shape this file: it wants activations as `nhwc` and weights as `any`,
// reordered from and to our `ohwi` (asked for plain `ohwi` it falls to reference code), and making
// a primitive is slow, so they are cached by shape.
#include "kernels/conv_direct.h"

#include <map>
#include <memory>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <tuple>

namespace tweed {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

const dnnl::engine& engine() {
  static const dnnl::engine e(dnnl::engine::kind::cpu, 0);
  return e;
}
dnnl::stream& stream() {
  static dnnl::stream s(engine());
  return s;
}

memory::desc described(const memory::dims& dims, Tag tag) {
  return {dims, memory::data_type::f32, tag};
}

// The memory descriptors of a convolution.
struct Shapes {
  explicit Shapes(const Conv& c)
      : x(described({c.window.N, c.window.C, c.window.H, c.window.W}, Tag::nhwc)),
        weight(described({c.out_channels, c.window.C, c.window.kernel, c.window.kernel}, Tag::any)),
        our_weight(described(weight.dims(), Tag::ohwi)),
        bias(described({c.out_channels}, Tag::x)),
        y(described({c.window.N, c.out_channels, c.window.out_h(), c.window.out_w()}, Tag::nhwc)),
        stride({c.window.stride, c.window.stride}),
        padding({c.window.padding, c.window.padding}),
        padding_after({rest(c.window, c.window.H), rest(c.window, c.window.W)}) {}
  // What oneDNN must pad on the far side, so that the last window ends exactly at the border.
  static int64_t rest(const Window& w, int64_t size) {
    return (w.out(size) - 1) * w.stride + w.kernel - size - w.padding;
  }
  memory::desc x, weight, our_weight, bias, y;
  memory::dims stride, padding, padding_after;
};

// No ReLU as a post-op: oneDNN's turns NaN into 0.
dnnl::primitive_attr attributes() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

using Forward = dnnl::convolution_forward;
using BackwardWeight = dnnl::convolution_backward_weights;
using BackwardInput = dnnl::convolution_backward_data;

Forward::primitive_desc forward_desc(const Conv& c, bool bias) {
  Shapes s(c);
  auto kind = dnnl::prop_kind::forward_training;
  auto algorithm = dnnl::algorithm::convolution_direct;
  auto desc = bias ? Forward::desc(kind, algorithm, s.x, s.weight, s.bias, s.y, s.stride, s.padding,
                                   s.padding_after)
                   : Forward::desc(kind, algorithm, s.x, s.weight, s.y, s.stride, s.padding,
                                   s.padding_after);
  return {desc, attributes(), engine()};
}
BackwardWeight::primitive_desc backward_weight_desc(const Conv& c, bool bias) {
  Shapes s(c);
  auto algorithm = dnnl::algorithm::convolution_direct;
  auto desc = bias ? BackwardWeight::desc(algorithm, s.x, s.weight, s.bias, s.y, s.stride,
                                          s.padding, s.padding_after)
                   : BackwardWeight::desc(algorithm, s.x, s.weight, s.y, s.stride, s.padding,
                                          s.padding_after);
  return {desc, attributes(), engine(), forward_desc(c, bias)};
}
BackwardInput::primitive_desc backward_input_desc(const Conv& c) {
  Shapes s(c);
  auto desc = BackwardInput::desc(dnnl::algorithm::convolution_direct, s.x, s.weight, s.y, s.stride,
                                  s.padding, s.padding_after);
  return {desc, attributes(), engine(), forward_desc(c, false)};
}

// A primitive with the layouts it chose.
struct Ready {
  dnnl::primitive primitive, reorder;  // reorder: weights between our layout and its own
  memory::desc weight, scratch;
};

template <class Desc>
Ready ready(const Desc& desc, const memory::desc& weight, const Conv& c, bool weight_is_result) {
  memory::desc ours = Shapes(c).our_weight;
  auto reorder = weight_is_result ? dnnl::reorder::primitive_desc(engine(), weight, engine(), ours)
                                  : dnnl::reorder::primitive_desc(engine(), ours, engine(), weight);
  return {dnnl::primitive(desc), dnnl::reorder(reorder), weight, desc.scratchpad_desc()};
}

enum class Pass { forward, forward_bias, weight, weight_bias, input };
using ShapeKey = std::tuple<int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t>;
ShapeKey key_of(const Conv& c) {
  const Window& w = c.window;
  return {w.N, w.H, w.W, w.C, w.kernel, w.stride, w.padding, c.out_channels};
}

Ready make(Pass pass, const Conv& c) {
  switch (pass) {
    case Pass::forward:
    case Pass::forward_bias: {
      auto desc = forward_desc(c, pass == Pass::forward_bias);
      return ready(desc, desc.weights_desc(), c, false);
    }
    case Pass::weight:
    case Pass::weight_bias: {
      auto desc = backward_weight_desc(c, pass == Pass::weight_bias);
      return ready(desc, desc.diff_weights_desc(), c, true);
    }
    default: {
      auto desc = backward_input_desc(c);
      return ready(desc, desc.weights_desc(), c, false);
    }
  }
}

const Ready& cached(Pass pass, const Conv& c) {
  static std::map<std::tuple<Pass, ShapeKey>, Ready> cache;
  static std::mutex mutex;
  std::tuple key(pass, key_of(c));
  std::lock_guard lock(mutex);
  auto found = cache.find(key);
  if (found == cache.end()) found = cache.emplace(key, make(pass, c)).first;
  return found->second;
}

memory wrap(const memory::desc& desc, const float* p) {
  return memory(desc, engine(), const_cast<float*>(p));
}
memory scratch(const memory::desc& desc, const Allocate& allocate) {
  return memory(desc, engine(), desc.get_size() ? allocate(desc.get_size()) : nullptr);
}

// Weights in the layout that the primitive chose.
memory reordered(const Ready& ready, const memory::desc& ours, Span<const float> weight,
                 const Allocate& allocate) {
  if (ready.weight == ours) return wrap(ours, weight);
  memory to = scratch(ready.weight, allocate);
  memory from = wrap(ours, weight);
  ready.reorder.execute(stream(), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
  return to;
}

}  // namespace

void conv_direct_forward(Cpu&, const Conv& c, Span<const float> x, Span<const float> weight,
                         Span<const float> bias, Span<float> y, const Allocate& allocate) {
  Shapes s(c);
  const Ready& r = cached(bias.size() ? Pass::forward_bias : Pass::forward, c);
  std::unordered_map<int, memory> args{
      {DNNL_ARG_SRC, wrap(s.x, x)},
      {DNNL_ARG_WEIGHTS, reordered(r, s.our_weight, weight, allocate)},
      {DNNL_ARG_DST, wrap(s.y, y)},
      {DNNL_ARG_SCRATCHPAD, scratch(r.scratch, allocate)}};
  if (bias.size()) args[DNNL_ARG_BIAS] = wrap(s.bias, bias);
  r.primitive.execute(stream(), args);
  stream().wait();
}

void conv_direct_backward_weight(Cpu&, const Conv& c, Span<const float> x, Span<const float> dy,
                                 Span<float> dweight, Span<float> dbias, const Allocate& allocate) {
  Shapes s(c);
  const Ready& r = cached(dbias.size() ? Pass::weight_bias : Pass::weight, c);
  bool direct = r.weight == s.our_weight;
  memory result = direct ? wrap(s.our_weight, dweight) : scratch(r.weight, allocate);
  std::unordered_map<int, memory> args{{DNNL_ARG_SRC, wrap(s.x, x)},
                                       {DNNL_ARG_DIFF_DST, wrap(s.y, dy)},
                                       {DNNL_ARG_DIFF_WEIGHTS, result},
                                       {DNNL_ARG_SCRATCHPAD, scratch(r.scratch, allocate)}};
  if (dbias.size()) args[DNNL_ARG_DIFF_BIAS] = wrap(s.bias, dbias);
  r.primitive.execute(stream(), args);
  if (!direct)
    r.reorder.execute(stream(),
                      {{DNNL_ARG_FROM, result}, {DNNL_ARG_TO, wrap(s.our_weight, dweight)}});
  stream().wait();
}

void conv_direct_backward_input(Cpu&, const Conv& c, Span<const float> dy, Span<const float> weight,
                                Span<float> dx, const Allocate& allocate) {
  Shapes s(c);
  const Ready& r = cached(Pass::input, c);
  r.primitive.execute(stream(), {{DNNL_ARG_DIFF_DST, wrap(s.y, dy)},
                                 {DNNL_ARG_WEIGHTS, reordered(r, s.our_weight, weight, allocate)},
                                 {DNNL_ARG_DIFF_SRC, wrap(s.x, dx)},
                                 {DNNL_ARG_SCRATCHPAD, scratch(r.scratch, allocate)}});
  stream().wait();
}

std::vector<std::string> conv_direct_implementations(const Conv& c) {
  return {forward_desc(c, true).impl_info_str(), backward_weight_desc(c, true).impl_info_str(),
          backward_input_desc(c).impl_info_str()};
}
bool conv_direct_is_fast(const Conv& c) {
  static std::map<ShapeKey, bool> known;
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  auto [place, is_new] = known.try_emplace(key_of(c), true);
  if (is_new)
    for (auto& name : conv_direct_implementations(c)) place->second &= name.rfind("ref", 0) != 0;
  return place->second;
}

}  // namespace tweed
