// oneDNN at its best: it chooses the layouts of images, weights and results, and what must be
// reordered for that is reordered before anything is timed, as in a network that keeps its images
// in these layouts.
#include "benchmarks/contender.h"
#include "benchmarks/timing.h"
#include "kernels/conv/onednn.h"

namespace tweed::bench {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;
using Forward = dnnl::convolution_forward;
using BackwardWeight = dnnl::convolution_backward_weights;
using BackwardInput = dnnl::convolution_backward_data;

memory::data_type type_of(DType dtype) {
  return dtype == DType::bfloat16 ? memory::data_type::bf16 : memory::data_type::f32;
}

// A tensor of ours as oneDNN sees it.
struct View {
  memory::desc desc;
  Tensor tensor;
};

// One pass, ready to run.
class Ready {
 public:
  Ready(const dnnl::engine& engine, dnnl::stream& stream, Pass pass, const ConvInputs& in)
      : engine_(engine), stream_(stream) {
    const AnyConv& c = in.conv;
    const AnyWindow& w = c.window;
    const auto type = type_of(in.x.dtype());
    x_ = {{{w.N, w.C, w.H, w.W}, type, Tag::nhwc}, in.x};
    weight_ = {weight_desc(c, type), in.weight};
    y_ = {{{w.N, c.out_channels, w.out_h(), w.out_w()}, type, Tag::nhwc}, in.dz};
    const memory::dims stride{w.rows.stride, w.columns.stride},
        dilation{w.rows.dilation - 1, w.columns.dilation - 1},
        before{w.rows.before, w.columns.before},
        after{after_of(w.rows, w.H), after_of(w.columns, w.W)};
    const auto x = any(x_), weight = any(weight_), y = any(y_);
    const auto algorithm = dnnl::algorithm::convolution_auto;
    const auto forward =
        onednn::forward_desc<Forward>(engine, attributes(), dnnl::prop_kind::forward_training,
                                      algorithm, x, weight, y, stride, dilation, before, after);
    if (pass == Pass::forward) {
      make(forward,
           {{DNNL_ARG_SRC, x_, forward.src_desc()},
            {DNNL_ARG_WEIGHTS, weight_, forward.weights_desc()}},
           {DNNL_ARG_DST, y_, forward.dst_desc()});
    } else if (pass == Pass::weight) {
      const auto desc = onednn::backward_desc<BackwardWeight>(
          engine, attributes(), forward, algorithm, x, weight, y, stride, dilation, before, after);
      make(desc,
           {{DNNL_ARG_SRC, x_, desc.src_desc()}, {DNNL_ARG_DIFF_DST, y_, desc.diff_dst_desc()}},
           {DNNL_ARG_DIFF_WEIGHTS, weight_, desc.diff_weights_desc()});
    } else {
      const auto desc = onednn::backward_desc<BackwardInput>(
          engine, attributes(), forward, algorithm, x, weight, y, stride, dilation, before, after);
      make(desc,
           {{DNNL_ARG_DIFF_DST, y_, desc.diff_dst_desc()},
            {DNNL_ARG_WEIGHTS, weight_, desc.weights_desc()}},
           {DNNL_ARG_DIFF_SRC, x_, desc.diff_src_desc()});
    }
  }

  void run() {
    primitive_.execute(stream_, arguments_);
    stream_.wait();
  }
  int64_t workspace() const { return workspace_; }
  /// The result in our layout.
  Tensor result() {
    const Tensor tensor = Tensor::empty_like(result_.tensor);
    memory ours = wrap({result_.desc, tensor});
    dnnl::reorder(arguments_.at(result_argument_), ours)
        .execute(stream_, arguments_.at(result_argument_), ours);
    stream_.wait();
    return tensor;
  }

 private:
  struct Argument {
    int name;
    View ours;
    memory::desc chosen;
  };

  // With the groups as an axis of their own where there are several.
  static memory::desc weight_desc(const AnyConv& c, memory::data_type type) {
    const int64_t rows = c.window.rows.kernel, columns = c.window.columns.kernel;
    if (c.groups == 1) return {{c.out_channels, c.window.C, rows, columns}, type, Tag::ohwi};
    return {{c.groups, c.group_out(), c.group_in(), rows, columns}, type, Tag::gohwi};
  }
  // What must be padded on the far side, so that the last window ends exactly at the border.
  static int64_t after_of(const WindowAxis& w, int64_t size) {
    return (w.out(size) - 1) * w.stride + w.span() - size - w.before;
  }
  static memory::desc any(const View& v) {
    return {onednn::dims_of(v.desc), onednn::type_of(v.desc), Tag::any};
  }
  static dnnl::primitive_attr attributes() {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    return attributes;
  }
  memory wrap(const View& v) {
    void* p = v.tensor.dtype() == DType::float32 ? (void*)v.tensor.write<float>().data()
                                                 : (void*)v.tensor.write<bf16>().data();
    return memory(v.desc, engine_, p);
  }

  template <class Desc>
  void make(const Desc& desc, const std::vector<Argument>& inputs, const Argument& result) {
    primitive_ = dnnl::primitive(desc);
    for (auto& [name, ours, chosen] : inputs) {
      memory from = wrap(ours), to(chosen, engine_);
      dnnl::reorder(from, to).execute(stream_, from, to);
      arguments_[name] = to;
    }
    stream_.wait();
    arguments_[result.name] = memory(result.chosen, engine_);
    arguments_[DNNL_ARG_SCRATCHPAD] = memory(desc.scratchpad_desc(), engine_);
    workspace_ = int64_t(desc.scratchpad_desc().get_size());
    result_ = result.ours;
    result_argument_ = result.name;
  }

  dnnl::engine engine_;
  dnnl::stream& stream_;
  View x_, weight_, y_, result_;
  dnnl::primitive primitive_;
  std::unordered_map<int, memory> arguments_;
  int result_argument_ = 0;
  int64_t workspace_ = 0;
};

class OneDnn : public Contender {
 public:
  std::string name() const override { return "oneDNN"; }
  std::string description() const override {
    const dnnl_version_t* v = dnnl_version();
    return "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." +
           std::to_string(v->patch) +
           ", layouts and algorithms (direct, Winograd) of its own choice";
  }
  bool is_rival() const override { return true; }
  bool prepare(const ConvData& data) override {
    data_ = &data;
    try {
      for (Pass pass : passes) ready_[std::size_t(pass)] = make(pass, data.all);
    } catch (const dnnl::error&) {
      return false;  // such as bf16 on a processor without AVX-512
    }
    return true;
  }
  double seconds_each(Pass pass, int repeats) override {
    return tweed::seconds_each({}, repeats, [&] { ready_[std::size_t(pass)]->run(); });
  }
  Facts facts(Pass pass) override {
    auto few = make(pass, data_->checked);
    few->run();
    return {ready_[std::size_t(pass)]->workspace(), data_->error(pass, few->result())};
  }

 private:
  std::unique_ptr<Ready> make(Pass pass, const ConvInputs& in) {
    return std::make_unique<Ready>(engine_, stream_, pass, in);
  }

  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  const ConvData* data_ = nullptr;
  std::array<std::unique_ptr<Ready>, 3> ready_;
};

}  // namespace

ContenderPtr onednn_rival() { return std::make_unique<OneDnn>(); }

}  // namespace tweed::bench
