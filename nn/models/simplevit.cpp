// SimpleViT, the vision transformer of the MiniPlaces coursework.
//
//   patches 16x16 as tokens of 192 numbers, a position embedding added,
//   4 blocks: x + attention(norm(x)), x + MLP(norm(x)), with 4 heads, an MLP of 768 and GELU,
//   norm, mean over the tokens, linear.
//
// Blocks 0 and 2 attend within windows of 4x4 tokens, the others to all. While training, a block's
// two parts are left out of a sample at random, more often in later blocks. 1,959,076 parameters
// with 100 classes and 128x128 pixels. Source: Dosovitskiy 2020, arXiv:2010.11929
#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "nn/activation.h"
#include "nn/attention.h"
#include "nn/init.h"
#include "nn/models/build.h"
#include "nn/norm_layers.h"
#include "nn/weight_limit.h"

namespace tweed {
namespace {

constexpr int64_t patch = 16, width = 192, heads = 4, window = 4;
constexpr int depth = 4;
constexpr double most_dropped = 0.1, eps = 1e-6;

class Mlp : public Module {
 public:
  explicit Mlp(Build& build) {
    fc1_ = add_child("fc1", build.linear(width, 4 * width));
    act_ = add_child("act", make_activation("GELU"));
    fc2_ = add_child("fc2", build.linear(4 * width, width));
  }
  Tensor forward(const Tensor& x) override { return (*fc2_)((*act_)((*fc1_)(x))); }
  std::string description() const override { return "Mlp"; }

 private:
  ModulePtr fc1_, act_, fc2_;
};

// On (N, H, W, width).
class Block : public Module {
 public:
  Block(Build& build, int number) : windowed_(number % 2 == 0) {
    const double dropped = most_dropped * number / (depth - 1);
    norm1_ = add_child("norm1", std::make_shared<LayerNorm>(width, eps));
    attn_ = add_child("attn", Attention(width, heads, windowed_ ? window : 0));
    drop1_ = add_child("drop_path1", std::make_shared<DropPath>(dropped));
    norm2_ = add_child("norm2", std::make_shared<LayerNorm>(width, eps));
    mlp_ = add_child("mlp", std::make_shared<Mlp>(build));
    drop2_ = add_child("drop_path2", std::make_shared<DropPath>(dropped));
  }
  Tensor forward(const Tensor& x) override {
    const Tensor y = x + (*drop1_)(attended((*norm1_)(x)));
    return y + (*drop2_)((*mlp_)((*norm2_)(y)));
  }
  std::string description() const override { return "Block"; }

 private:
  Tensor attended(const Tensor& x) {
    if (windowed_) return (*attn_)(x);
    const Shape& s = x.shape();
    return reshape((*attn_)(reshape(x, {s[0], s[1] * s[2], s[3]})), {s[0], s[1], s[2], s[3]});
  }

  bool windowed_;
  ModulePtr norm1_, attn_, drop1_, norm2_, mlp_, drop2_;
};

class PatchEmbed : public Module {
 public:
  PatchEmbed() { proj_ = add_child("proj", Conv2d(3, width, patch, {.stride = patch})); }
  Tensor forward(const Tensor& x) override { return (*proj_)(x); }
  std::string description() const override { return "PatchEmbed"; }

 private:
  ModulePtr proj_;
};

class SimpleViT : public Module {
 public:
  explicit SimpleViT(const ModelOptions& options) : side_(options.image_size / patch) {
    if (options.image_size % patch || side_ < 1)
      throw Error("simplevit needs images whose size is a multiple of " + std::to_string(patch) +
                  ", not " + std::to_string(options.image_size));
    Build build(options);
    const Shape positions{1, side_ * side_, width};
    WeightLimit::check(positions);
    pos_embed_ = add_parameter("pos_embed", Tensor::zeros(positions));
    patch_embed_ = add_child("patch_embed", PatchEmbed());
    auto blocks = std::make_shared<Sequential>();
    for (int i = 0; i < depth; ++i) blocks->add(std::make_shared<Block>(build, i));
    blocks_ = add_child("blocks", blocks);
    norm_ = add_child("norm", std::make_shared<LayerNorm>(width, eps));
    fc_ = add_child("fc", build.linear(width, options.classes));
    initialize(options.seed);
  }
  Tensor forward(const Tensor& x) override {
    if (x.ndim() != 4 || x.dim(1) != side_ * patch || x.dim(2) != side_ * patch)
      throw ShapeError("[simplevit] was made for images of " + std::to_string(side_ * patch) +
                       " x " + std::to_string(side_ * patch) + ", x is " + x.shape().str());
    Tensor y = (*patch_embed_)(x) + reshape(pos_embed_, {1, side_, side_, width});
    return (*fc_)(mean((*norm_)((*blocks_)(y)), {1, 2}));
  }
  std::string description() const override { return "simplevit"; }

 private:
  // Truncated normal weights of linear layers and positions, zero biases; the patches' convolution
  // stays as it is.
  void initialize(uint64_t seed) {
    uint32_t number = 0;
    for (auto& [name, t] : parameters()) {
      ++number;
      const bool norm = name.find("norm") != std::string::npos;
      if (name.starts_with("patch_embed") || norm) continue;
      if (name.ends_with("bias"))
        t.zero();
      else
        t.copy_from(truncated_normal_init(t.shape(), 0.02, {seed, number}));
    }
  }

  int64_t side_;  // in tokens
  Tensor pos_embed_;
  ModulePtr patch_embed_, blocks_, norm_, fc_;
};

}  // namespace

ModulePtr simplevit(const ModelOptions& options) { return std::make_shared<SimpleViT>(options); }

}  // namespace tweed
