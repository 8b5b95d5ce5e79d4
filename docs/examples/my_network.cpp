// A network and an attack of one's own in the whole of train_miniplaces:
//
//   my_network tiny --image-size 64 --model mynet --epochs 6
//   my_network --resume runs/train --evaluate --attack --attack-method noise
#include "apps/train_main.h"
#include "tweed.h"
using namespace tweed;

// Two convolutions whose result is added to their input, and then ReLU.
class Block : public Module {
 public:
  explicit Block(int64_t channels) {
    const Conv2dOptions same_size{.padding = 1, .bias = false};
    inside_ = add_child(
        "inside",
        Sequential{Conv2d(channels, channels, 3, same_size), BatchNorm2d(channels), ReLU(),
                   Conv2d(channels, channels, 3, same_size), BatchNorm2d(channels)});
  }
  Tensor forward(const Tensor& x) override { return relu(x + (*inside_)(x)); }
  std::string description() const override { return "Block"; }

 private:
  ModulePtr inside_;
};

ModulePtr my_network(const ModelOptions& options) {
  return hold(Sequential{Conv2d(3, 32, 5, {.stride = 2, .padding = 2}), ReLU(), Block(32),
                         Conv2d(32, 64, 3, {.stride = 2, .padding = 1}), ReLU(), Block(64),
                         GlobalAvgPool(), Linear(64, options.classes)});
}

// Noise as large as PGD may be: what a real attack should beat.
Attack noise(const PgdOptions& options, Device) {
  return [options](Module& network, const Tensor& images, const Tensor& /*labels*/) {
    return random_noise(images, options.space, options.seed, network.random_step().step);
  };
}

int main(int argc, char** argv) {
  register_model("mynet", my_network);
  register_attack("noise", noise);
  return app::train_main(argc, argv);
}
