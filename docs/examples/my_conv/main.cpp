// Trains a network whose convolutions are my_conv.cpp's:
//
//   my_conv tiny --image-size 32 --model my_conv_net --epochs 3
#include "apps/train_main.h"
#include "my_conv.h"

using namespace tweed;

int main(int argc, char** argv) {
  register_model("my_conv_net", [](const ModelOptions& options) {
    return hold(Sequential{MyConv(3, 16, 5, 2), ReLU(), MyConv(16, 32, 3, 2), ReLU(),
                           MyConv(32, 64, 3), ReLU(), GlobalAvgPool(),
                           Linear(64, options.classes)});
  });
  return app::train_main(argc, argv);
}
