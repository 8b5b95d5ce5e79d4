// Layers that are made of layers: one after another, around a shortcut, side by side.
#pragma once
#include "nn/module.h"

namespace tweed {

/// Children called "0", "1", ..., or by name, in their order. `Self` is the class that derives from
/// it, which add() returns.
template <class Self>
class Container : public Module {
 public:
  Container() = default;
  explicit Container(const std::vector<ModulePtr>& modules) {
    for (auto& m : modules) append(m);
  }
  template <Layer M>
  Self& add(M&& layer) {
    append(std::forward<M>(layer));
    return static_cast<Self&>(*this);
  }
  template <Layer M>
  Self& add(const std::string& name, M&& layer) {
    modules_.push_back(add_child(name, std::forward<M>(layer)));
    return static_cast<Self&>(*this);
  }

 protected:
  template <Layer M>
  void append(M&& layer) {
    modules_.push_back(add_child(std::to_string(modules_.size()), std::forward<M>(layer)));
  }
  std::vector<ModulePtr> modules_;
};

/// Children applied one after another.
///
///   Sequential net{Linear(2, 16), ReLU(), Linear(16, 2)};
///   net.add("head", Linear(2, 1));
class Sequential : public Container<Sequential> {
 public:
  using Container::Container;
  Sequential() = default;
  template <Layer... M>
  requires(sizeof...(M) > 0) explicit Sequential(M&&... layers) {
    (append(std::forward<M>(layers)), ...);
  }
  Tensor forward(const Tensor& x) override;
  std::string description() const override { return "Sequential"; }
  Packing image_packing(const Shape& images) const override;
};

/// x + layers(x), or shortcut(x) + layers(x) where the layers change the shape.
/// Source: He, Zhang, Ren, Sun 2015, arXiv:1512.03385
///
///   Residual block{Sequential{Conv2d(16, 16, 3, {.padding = 1}), ReLU()}};
///   Residual wider{Sequential{Conv2d(16, 32, 3, {.padding = 1}), ReLU()},
///                  Sequential{Conv2d(16, 32, 1)}};
///
/// Parameters are called "layers.0.weight" and "shortcut.0.weight". Both ways give the same shape;
/// nothing is broadcast.
/// @throws ShapeError  "[residual] layers give (8, 16, 16, 32), the input is (8, 16, 16, 16): they
///                     need a shortcut"
class Residual : public Module {
 public:
  explicit Residual(Sequential layers);
  Residual(Sequential layers, Sequential shortcut);
  Tensor forward(const Tensor& x) override;
  std::string description() const override { return "Residual"; }

 private:
  std::shared_ptr<Sequential> layers_, shortcut_;
};

/// Children that all see the same input, with their results put together along the last axis:
/// the channels of images (N, H, W, C), the features of (N, C).
///
///   Concat look{Conv2d(16, 8, 1), Conv2d(16, 8, 3, {.padding = 1})};     // 16 channels, too
///
/// @throws ShapeError  as concat(), if results differ in another axis
class Concat : public Container<Concat> {
 public:
  using Container::Container;
  Concat() = default;
  template <Layer... M>
  requires(sizeof...(M) > 0) explicit Concat(M&&... branches) {
    (append(std::forward<M>(branches)), ...);
  }
  Tensor forward(const Tensor& x) override;
  std::string description() const override { return "Concat"; }
};

}  // namespace tweed
