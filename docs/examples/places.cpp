#include <cstdio>
#include "tweed.h"
using namespace tweed;
int main() {  // learns to tell drawn places apart, and shows which pixels an answer depends on
  DataSplits data = open_dataset("tiny", {.image_size = 32, .tiny_train = 200});
  ModulePtr network = make_model("simplenet_bn", {.classes = 10, .image_size = 32});
  Trainer trainer(network, data.train, {.lr = 0.05, .epochs = 3});
  while (!trainer.done()) std::printf("training: %s\n", trainer.epoch().str().c_str());
  std::printf("validation: %s\n", trainer.evaluate(data.validation).str().c_str());
  save_checkpoint("places.safetensors", *network, info_of("simplenet_bn", data.train));
  Image image = validation_crop(data.validation.image(7), 32);
  Saliency why = saliency(*network, to_tensor(image));
  std::printf("%s\n", text(top_classes(why.logits, data.train.classes(), 3)[0]).c_str());
  write_png("why.png", saliency_overlay(image, why.map));
}
