// Facts about oneDNN that shape this file: for direct convolution it wants images as `nhwc` and
// weights as `any`, reordered from and to our `ohwi` (asked for plain `ohwi` it falls to reference
// code); and making a primitive is slow, so they are cached by shape.
#include "kernels/conv/direct.h"

#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include "kernels/conv/onednn.h"
#include "kernels/machine/trace.h"

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

// Our weights, with the groups as an axis of their own where there are several.
memory::desc weight_desc(const AnyConv& c) {
  const int64_t rows = c.window.rows.kernel, columns = c.window.columns.kernel;
  if (c.groups == 1) return described({c.out_channels, c.window.C, rows, columns}, Tag::ohwi);
  return described({c.groups, c.group_out(), c.group_in(), rows, columns}, Tag::gohwi);
}

// The memory descriptors of a convolution: ours, and those that a primitive may choose from.
struct Shapes {
  explicit Shapes(const AnyConv& c)
      : our_x(described({c.window.N, c.window.C, c.window.H, c.window.W}, Tag::nhwc)),
        our_weight(weight_desc(c)),
        bias(described({c.out_channels}, Tag::x)),
        our_y(
            described({c.window.N, c.out_channels, c.window.out_h(), c.window.out_w()}, Tag::nhwc)),
        weight(described(onednn::dims_of(our_weight), Tag::any)),
        stride({c.window.rows.stride, c.window.columns.stride}),
        dilation({c.window.rows.dilation - 1, c.window.columns.dilation - 1}),
        padding({c.window.rows.before, c.window.columns.before}),
        padding_after({rest(c.window.rows, c.window.H), rest(c.window.columns, c.window.W)}) {}
  // What oneDNN must pad on the far side, so that the last window ends exactly at the border.
  static int64_t rest(const WindowAxis& w, int64_t size) {
    return (w.out(size) - 1) * w.stride + w.span() - size - w.before;
  }
  memory::desc our_x, our_weight, bias, our_y, weight;
  memory::dims stride, dilation, padding, padding_after;  // its dilation is 0 where taps touch
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
constexpr auto algorithm = dnnl::algorithm::convolution_direct;

Forward::primitive_desc forward_desc(const AnyConv& c, bool bias) {
  const Shapes s(c);
  const auto kind = dnnl::prop_kind::forward_training;
  if (bias)
    return onednn::forward_desc<Forward>(engine(), attributes(), kind, algorithm, s.our_x, s.weight,
                                         s.bias, s.our_y, s.stride, s.dilation, s.padding,
                                         s.padding_after);
  return onednn::forward_desc<Forward>(engine(), attributes(), kind, algorithm, s.our_x, s.weight,
                                       s.our_y, s.stride, s.dilation, s.padding, s.padding_after);
}
BackwardWeight::primitive_desc backward_weight_desc(const AnyConv& c, bool bias) {
  const Shapes s(c);
  const auto forward = forward_desc(c, bias);
  if (bias)
    return onednn::backward_desc<BackwardWeight>(engine(), attributes(), forward, algorithm,
                                                 s.our_x, s.weight, s.bias, s.our_y, s.stride,
                                                 s.dilation, s.padding, s.padding_after);
  return onednn::backward_desc<BackwardWeight>(engine(), attributes(), forward, algorithm, s.our_x,
                                               s.weight, s.our_y, s.stride, s.dilation, s.padding,
                                               s.padding_after);
}
BackwardInput::primitive_desc backward_input_desc(const AnyConv& c) {
  const Shapes s(c);
  return onednn::backward_desc<BackwardInput>(engine(), attributes(), forward_desc(c, false),
                                              algorithm, s.our_x, s.weight, s.our_y, s.stride,
                                              s.dilation, s.padding, s.padding_after);
}

// An argument in our layout and in the one that a primitive chose.
struct Argument {
  int name;
  memory::desc ours, chosen;
  dnnl::primitive reorder;  // into the one that the reader wants; none where they are the same
};
// A primitive and what it wants: two inputs, perhaps a bias after them, and the result.
struct Ready {
  dnnl::primitive primitive;
  Argument first, second, result;
  memory::desc bias, scratch;
};

Argument input(int name, const memory::desc& ours, const memory::desc& chosen) {
  if (ours == chosen) return {name, ours, chosen, {}};
  return {name, ours, chosen,
          dnnl::reorder(dnnl::reorder::primitive_desc(engine(), ours, engine(), chosen))};
}
Argument output(int name, const memory::desc& ours, const memory::desc& chosen) {
  if (ours == chosen) return {name, ours, chosen, {}};
  return {name, ours, chosen,
          dnnl::reorder(dnnl::reorder::primitive_desc(engine(), chosen, engine(), ours))};
}

enum class Pass { forward, forward_bias, weight, weight_bias, input };

Ready make(Pass pass, const AnyConv& c) {
  const Shapes s(c);
  switch (pass) {
    case Pass::forward:
    case Pass::forward_bias: {
      auto d = forward_desc(c, pass == Pass::forward_bias);
      return {dnnl::primitive(d),
              input(DNNL_ARG_SRC, s.our_x, d.src_desc()),
              input(DNNL_ARG_WEIGHTS, s.our_weight, d.weights_desc()),
              output(DNNL_ARG_DST, s.our_y, d.dst_desc()),
              s.bias,
              d.scratchpad_desc()};
    }
    case Pass::weight:
    case Pass::weight_bias: {
      auto d = backward_weight_desc(c, pass == Pass::weight_bias);
      return {dnnl::primitive(d),
              input(DNNL_ARG_SRC, s.our_x, d.src_desc()),
              input(DNNL_ARG_DIFF_DST, s.our_y, d.diff_dst_desc()),
              output(DNNL_ARG_DIFF_WEIGHTS, s.our_weight, d.diff_weights_desc()),
              s.bias,
              d.scratchpad_desc()};
    }
    default: {
      auto d = backward_input_desc(c);
      return {dnnl::primitive(d),
              input(DNNL_ARG_DIFF_DST, s.our_y, d.diff_dst_desc()),
              input(DNNL_ARG_WEIGHTS, s.our_weight, d.weights_desc()),
              output(DNNL_ARG_DIFF_SRC, s.our_x, d.diff_src_desc()),
              s.bias,
              d.scratchpad_desc()};
    }
  }
}

const Ready& cached(Pass pass, const AnyConv& c) {
  static std::map<std::pair<Pass, AnyConv>, Ready> cache;
  static std::mutex mutex;
  const std::pair key(pass, c);
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

// `bias` is an input of the forward pass and a result of the weight gradient. Of the weights, a
// reordered copy may be there already.
void execute(const Ready& r, Span<const float> first, Span<const float> second, const float* bias,
             Span<float> result, const Allocate& allocate, const KeepFilters& keep) {
  std::unordered_map<int, memory> args;
  auto give = [&](const Argument& a, Span<const float> p) {
    const memory ours = wrap(a.ours, p);
    args[a.name] = ours;
    if (!a.reorder) return;
    const std::size_t bytes = a.chosen.get_size();
    const FilterMemory to =
        a.name == DNNL_ARG_WEIGHTS ? keep(&r, bytes) : FilterMemory{allocate(bytes), false};
    args[a.name] = memory(a.chosen, engine(), to.data);
    if (!to.filled)
      a.reorder.execute(stream(), {{DNNL_ARG_FROM, ours}, {DNNL_ARG_TO, args[a.name]}});
  };
  give(r.first, first);
  give(r.second, second);
  const memory ours = wrap(r.result.ours, result);
  args[r.result.name] = r.result.reorder ? scratch(r.result.chosen, allocate) : ours;
  if (bias)
    args[r.result.name == DNNL_ARG_DST ? DNNL_ARG_BIAS : DNNL_ARG_DIFF_BIAS] = wrap(r.bias, bias);
  args[DNNL_ARG_SCRATCHPAD] = scratch(r.scratch, allocate);
  r.primitive.execute(stream(), args);
  if (r.result.reorder)
    r.result.reorder.execute(stream(), {{DNNL_ARG_FROM, args[r.result.name]}, {DNNL_ARG_TO, ours}});
  stream().wait();
}

// Keeps the answers of find(): oneDNN tells what it has for a shape only by creating a primitive
// descriptor, which is slow.
template <class F>
bool known(const AnyConv& c, std::map<AnyConv, bool>& all, F find) {
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  auto [place, is_new] = all.try_emplace(c, false);
  if (is_new) place->second = find();
  return place->second;
}

}  // namespace

void conv_direct_forward(Cpu&, const AnyConv& c, Span<const float> x, Span<const float> weight,
                         Span<const float> bias, Span<float> y, const Allocate& allocate,
                         const KeepFilters& keep) {
  const Pass pass = bias.size() ? Pass::forward_bias : Pass::forward;
  const trace::Timed timed(
      {.name = "oneDNN convolution", .bytes = trace::bytes_of_all(x, weight, bias, y)});
  execute(cached(pass, c), x, weight, bias, y, allocate, keep);
}
void conv_direct_backward_weight(Cpu&, const AnyConv& c, Span<const float> x, Span<const float> dy,
                                 Span<float> dweight, Span<float> dbias, const Allocate& allocate) {
  const Pass pass = dbias.size() ? Pass::weight_bias : Pass::weight;
  const trace::Timed timed({.name = "oneDNN convolution, weight gradient",
                            .bytes = trace::bytes_of_all(x, dy, dweight, dbias)});
  execute(cached(pass, c), x, dy, dbias, dweight, allocate, as_scratch(allocate));
}
void conv_direct_backward_input(Cpu&, const AnyConv& c, Span<const float> dy,
                                Span<const float> weight, Span<float> dx,
                                const Allocate& allocate) {
  const trace::Timed timed(
      {.name = "oneDNN convolution, input gradient", .bytes = trace::bytes_of_all(dy, weight, dx)});
  execute(cached(Pass::input, c), dy, weight, nullptr, dx, allocate, as_scratch(allocate));
}

std::vector<std::string> conv_direct_implementations(const AnyConv& c) {
  return {forward_desc(c, true).impl_info_str(), backward_weight_desc(c, true).impl_info_str(),
          backward_input_desc(c).impl_info_str()};
}
bool conv_direct_is_fast(const AnyConv& c) {
  static std::map<AnyConv, bool> all;
  if (!conv_has_direct(c)) return false;
  return known(c, all, [&] {
    bool fast = true;
    for (auto& name : conv_direct_implementations(c)) fast &= name.rfind("ref", 0) != 0;
    return fast;
  });
}
bool conv_has_direct(const AnyConv& c) {
  static std::map<AnyConv, bool> all;
  if (c.is_square()) return true;
  return known(c, all, [&] {
    try {
      conv_direct_implementations(c);
      return true;
    } catch (const dnnl::error&) {
      return false;
    }
  });
}

}  // namespace tweed
