// Images that are made as a network's first convolution wants them, against those that are made
// plainly and then converted and packed.
#include "tensor/packed_images.h"

#include "autograd/conv/algorithm.h"
#include "autograd/conv/packing.h"
#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "kernels/augment.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "nn/models/models.h"
#include "optim/sgd.h"
#include "tests/catch.h"
#include "tests/data_support.h"
#include "tests/support.h"
#include "train/evaluate.h"
#include "train/image_form.h"
#include "train/step.h"
#include "train/trace.h"
#include "train/trainer.h"

using namespace tweed;

namespace {

std::vector<Device> gpus() {
  std::vector<Device> all = test_devices();
  std::erase_if(all, [](Device d) { return d.kind() == Device::Kind::cpu; });
  return all;
}

Dataset drawn(int count, int stored) {
  std::vector<Sample> samples;
  for (int i = 0; i < count; ++i) samples.push_back({std::to_string(i), i % 3});
  Dataset data(std::vector<std::string>(3, "c"), samples, stored,
               [stored](const Sample& s) { return pattern(stored, stored, std::stoi(s.path)); });
  data.decode(2, true);
  return data;
}

LoaderOptions batches_of(int64_t count, int size, const char* augmentation) {
  return {.batch_size = count,
          .image_size = size,
          .workers = 0,
          .seed = 5,
          .augmentation = parse_augmentation(augmentation, size)};
}

// By the kernel that conv2d has for it.
Tensor packed(const Tensor& images, const Packing& packing) {
  const Tensor x = PackedImages::empty(images.shape(), packing, images.dtype(), images.device());
  on<Cuda, Sim>(x.device(), [&](auto& here) {
    auto fill = [&]<class T>(T) {
      pack_pixels(here, packing, images.dim(2), images.dim(3), images.read<T>(), x.write<T>());
    };
    x.dtype() == DType::bfloat16 ? fill(bf16()) : fill(float());
  });
  return x;
}

Packing joined(int64_t border) { return {.pixels = 2, .channels = 4, .border = border}; }

struct Form {
  DType dtype;
  Packing packing;
};
const Form forms[] = {{DType::bfloat16, joined(0)},
                      {DType::bfloat16, joined(1)},
                      {DType::bfloat16, pack_channels(3, 8)},
                      {DType::float32, pack_channels(3, 4)},
                      {DType::bfloat16, plain_pixels(3)}};

// A network whose first layer is a 7x7/2 convolution, as SimpleNet's and ResNet's.
ModulePtr with_stem(Device device, bool norm_first = false) {
  const InitSeed seed(1);
  auto network = std::make_shared<Sequential>();
  if (norm_first) network->add("bn", BatchNorm2d(3));
  network->add("conv", Conv2d(3, 8, 7, {.stride = 2, .padding = 3}));
  network->add("pool", GlobalAvgPool());
  network->add("fc", Linear(8, 3));
  network->to(device);
  return network;
}

// Training steps on a Feed's batches, which are made in a form.
struct Steps {
  ModulePtr network;
  ParameterBuffer parameters;
  SGD sgd;
  Feed feed;
  Step step;
  int64_t done = 0;

  Steps(ModulePtr net, const Dataset& data, const LoaderOptions& options, bool in_its_form,
        int accumulate = 1)
      : network(std::move(net)),
        parameters(network->parameters(), {}, DType::bfloat16),
        sgd(parameters, SGD::Options{.lr = 0.05, .momentum = 0.9}),
        feed(data, network->device(), options, Residence::automatic,
             in_its_form ? image_form(*network, {options.batch_size / accumulate,
                                                 options.image_size, options.image_size, 3})
                         : ImageForm()),
        step(*network, parameters, sgd, {.accumulate = accumulate}, feed.images(), feed.labels(),
             [this] { feed.load(); }) {
    feed.start_epoch(0);
  }
  void operator()() {
    REQUIRE(feed.next());
    step(done++);
  }
};

// Names without what they are templates of.
std::string short_name(const std::string& name) { return name.substr(0, name.find('<')); }

// What a step does with arrays as large as its batch, beside convolutions themselves.
std::vector<std::string> passes_over_batch(Steps& steps) {
  const Shape& batch = steps.feed.images().shape();
  const int64_t least = batch[0] * batch[1] * batch[1] * 3 * int64_t(sizeof(bf16));
  Trace trace;
  steps();
  trace.stop();
  std::vector<std::string> names;
  for (auto& operation : trace.operations())
    for (auto& call : operation.calls)
      for (const char* pass : {"augment", "convert", "pack_pixels"})
        if (call.bytes >= least && short_name(call.name).find(pass) != std::string::npos)
          names.push_back(short_name(call.name));
  return names;
}

}  // namespace

TEST_CASE("images that are made packed have the bits of those that are converted and packed",
          "[packed]") {
  for (Device device : gpus())
    for (int size : {16, 15, 12, 9})
      for (const char* names : {"none", "mirror,crop,erase", "coursework", "mirror,crop,mixup"})
        for (int64_t batch : {1, 3}) {
          INFO(device.name() << ", " << size << ", " << names << ", " << batch);
          const Dataset data = drawn(4, 18);
          const LoaderOptions options = batches_of(batch, size, names);
          Feed plain(data, device, options);
          plain.start_epoch(2);
          REQUIRE(plain.next());
          plain.load();
          for (const Form& form : forms) {
            Feed feed(data, device, options, Residence::automatic, {form.dtype, form.packing});
            feed.start_epoch(2);
            REQUIRE(feed.next());
            feed.load();
            const Tensor wanted = plain.images().to(form.dtype);
            CHECK(same_bits(unpacked(feed.images()), wanted));
            if (form.packing != plain_pixels(3))
              CHECK(same_bits(feed.images(), packed(wanted, form.packing)));
            CHECK(same_bits(feed.labels(), plain.labels()));
            if (!plain.other_labels().defined()) continue;
            CHECK(same_bits(feed.other_labels(), plain.other_labels()));
            CHECK(same_bits(feed.label_shares(), plain.label_shares()));
          }
        }
}

TEST_CASE("a convolution of packed images has the bits of that of plain ones", "[packed]") {
  struct Case {
    Shape images;
    int64_t kernel, stride, padding;
  };
  const Case cases[] = {{{2, 12, 12, 3}, 7, 2, 3}, {{3, 9, 11, 3}, 7, 2, 3},
                        {{1, 8, 7, 3}, 3, 1, 1},   {{2, 7, 9, 1}, 5, 2, 2},
                        {{2, 6, 5, 1}, 3, 1, 0},   {{2, 9, 9, 3}, 4, 4, 0},
                        {{2, 8, 8, 3}, 3, 2, 0}};
  for (Device device : gpus())
    for (DType dtype : {DType::float32, DType::bfloat16})
      for (const Case& c : cases)
        for (const ConvAlgorithm* algorithm :
             {&conv::mma, &conv::naive, &conv::im2col, &conv::implicit}) {
          INFO(device.name() << ", " << name_of(dtype) << ", " << c.images.str() << ", " << c.kernel
                             << "/" << c.stride << ", " << algorithm->name);
          const ConvOptions options{
              .stride = c.stride, .padding = c.padding, .algorithm = algorithm};
          const Tensor images = random_tensor(c.images, dtype, device, 1);
          const Tensor weight =
              random_tensor({8, c.kernel, c.kernel, c.images[3]}, dtype, device, 2);
          require_grad(weight);
          auto passes = [&](const Tensor& x) {
            const Tensor y = conv2d(x, weight, {}, options);
            backward(sum(y * y));
            const Tensor dweight = grad(weight).clone();
            clear_grad(weight);
            return std::pair(y.detach(), dweight);
          };
          const auto [y, dweight] = passes(images);
          const Packing wanted = wanted_packing(c.images, weight, options);
          CHECK((wanted != plain_pixels(c.images[3])) == (algorithm == &conv::mma));
          // What mma wants, and what nobody does.
          const Packing others[] = {
              wanted_packing(c.images, weight,
                             {.stride = c.stride, .padding = c.padding, .algorithm = &conv::mma}),
              {.channels = 16 / int64_t(size_of(dtype)), .border = 1}};
          for (const Packing& packing : others) {
            const auto [y2, dweight2] = passes(packed(images, packing));
            CHECK(same_bits(y2, y));
            CHECK(same_bits(dweight2, dweight));
          }
        }
}

TEST_CASE("slices of packed images are packed, and what changes is packed no longer", "[packed]") {
  for (Device device : gpus()) {
    const Tensor images = random_tensor({4, 5, 7, 3}, DType::bfloat16, device);
    const Tensor x = packed(images, joined(1));
    CHECK(x.shape() == Shape{4, 5, 4, 8});
    CHECK(same_bits(unpacked(x.slice(1, 3)), images.slice(1, 3)));
    CHECK(same_bits(unpacked(images), images));
    const Tensor weight = random_tensor({8, 3, 3, 3}, DType::bfloat16, device);
    CHECK_NOTHROW(conv2d(x, weight));
    x.fill(1);
    CHECK_THROWS_AS(conv2d(x, weight), ShapeError);
    const Tensor leaf = packed(images, joined(1));
    require_grad(leaf);
    CHECK_THROWS_AS(conv2d(leaf, weight), Error);
  }
}

TEST_CASE("a network says how images may lie", "[packed]") {
  const Shape images{2, 32, 32, 3};
  for (Device device : gpus()) {
    auto wanted = [&](ModulePtr network) {
      const ParameterBuffer parameters(network->parameters(), {}, DType::bfloat16);
      return image_form(*network, images).packing;
    };
    CHECK(wanted(with_stem(device)) == joined(1));
    CHECK(wanted(with_stem(device, true)) == plain_pixels(3));
    for (const char* name : {"simplenet", "simplenet_bn", "resnet18"}) {
      const ModulePtr network = make_model(name, {.classes = 3, .image_size = 32});
      network->to(device);
      CHECK(wanted(network) == joined(1));
    }
    const ModulePtr vit = make_model("simplevit", {.classes = 3, .image_size = 32});
    vit->to(device);
    CHECK(wanted(vit) == plain_pixels(3));
    // An image that a convolution refuses is refused when it is computed, with the layer's name.
    CHECK(Conv2d(3, 8, 7).image_packing({2, 5, 5, 3}) == plain_pixels(3));
    CHECK(Conv2d(4, 8, 7).image_packing(images) == plain_pixels(3));
  }
  const ModulePtr here = with_stem({});
  const ParameterBuffer parameters(here->parameters(), {}, DType::bfloat16);
  CHECK(image_form(*here, images).packing == plain_pixels(3));
  CHECK(image_form(*here, images).dtype == DType::bfloat16);
}

TEST_CASE("a step passes over its batch once before the first convolution", "[packed]") {
  using Names = std::vector<std::string>;
  const Dataset data = drawn(32, 36);
  const LoaderOptions options = batches_of(4, 32, "mirror,crop");
  for (Device device : gpus()) {
    Steps steps(with_stem(device), data, options, true),
        plain(with_stem(device), data, options, false),
        norm(with_stem(device, true), data, options, true);
    // In the first step, and in that which repeats a recording.
    CHECK(passes_over_batch(steps) == Names{"augment_packs_kernel"});
    CHECK(passes_over_batch(plain) ==
          Names{"augment_runs_kernel", "convert_kernel", "pack_pixels_kernel"});
    for (int i = 0; i < 3; ++i) steps();
    CHECK(steps.step.replays());
    CHECK(passes_over_batch(steps) == Names{"augment_packs_kernel"});
    // Batch norm's result is what has to be packed here.
    CHECK(passes_over_batch(norm) == Names{"augment_runs_kernel", "pack_pixels_kernel"});
  }
}

TEST_CASE("steps on packed images end with the bits of those on plain ones", "[packed]") {
  const Dataset data = drawn(24, 20);
  for (Device device : gpus())
    for (const char* names : {"mirror,crop", "coursework"})
      for (int accumulate : {1, 2}) {
        INFO(device.name() << ", " << names << ", " << accumulate);
        const LoaderOptions options = batches_of(4, 17, names);
        Steps a(with_stem(device), data, options, true, accumulate),
            b(with_stem(device), data, options, false, accumulate);
        REQUIRE(PackedImages::of(a.feed.images()));
        REQUIRE_FALSE(PackedImages::of(b.feed.images()));
        for (int i = 0; i < 5; ++i) a(), b();
        CHECK(a.step.replays());
        CHECK(a.step.score().read().loss == b.step.score().read().loss);
        const auto these = a.network->state(), those = b.network->state();
        for (std::size_t i = 0; i < these.size(); ++i)
          CHECK(same_bits(these[i].tensor, those[i].tensor));
      }
}

TEST_CASE("an evaluation on packed images has the logits of plain ones", "[packed]") {
  const Dataset data = drawn(5, 18);
  for (Device device : test_devices()) {
    const ModulePtr network = with_stem(device);
    const ParameterBuffer parameters(network->parameters(), {}, DType::bfloat16);
    for (bool mirrored : {false, true})
      answer_each(*network, data, {.batch_size = 3, .image_size = 15, .mirrored = mirrored},
                  [&](const Batch& batch, const Tensor& logits, const Tensor&) {
                    const Viewer viewer(device, 18, 15, {});
                    const NoGrad no_grad;
                    Tensor wanted = forward_float(*network, viewer.middles(batch));
                    if (mirrored)
                      wanted =
                          (wanted + forward_float(*network, viewer.middles(batch, true))) * 0.5;
                    CHECK(same_bits(logits, wanted));
                  });
  }
}

TEST_CASE("training with attacks, mixed images or a watch works where images would be packed",
          "[packed]") {
  for (Device device : gpus()) {
    auto losses = [&](TrainerOptions options, bool watch) {
      const Dataset data = drawn(8, 18);
      options.batch_size = 4;
      options.image_size = 16;
      options.compute = DType::bfloat16;
      options.epochs = 1;
      Trainer trainer(with_stem(device), data, options);
      trainer.watch(watch);
      return trainer.epoch().loss;
    };
    const double usual = losses({}, false);
    CHECK(std::isfinite(usual));
    CHECK(losses({}, true) == usual);
    CHECK(std::isfinite(losses({.augmentation = parse_augmentation("crop,mixup", 16)}, false)));
    CHECK(std::isfinite(losses({.adversarial = "fgsm"}, false)));
  }
}

TEST_CASE("Images and batches that kernels cannot count are refused", "[augment]") {
  std::vector<int32_t> labels(40);
  auto refusal = [&](const AugmentShape& shape, Device device) {
    return on(device, [&](auto& here) -> std::string {
      try {
        augment(here, shape, Span<const uint8_t>(), Span<const int32_t>(), Span<const uint8_t>(),
                Span<const float>(), Span<float>(), Span<int32_t>(labels), Span<int32_t>(),
                Span<float>());
      } catch (const Error& e) {
        return e.what();
      }
      return "";
    });
  };
  for (Device device : test_devices()) {
    CHECK(refusal({.side = 40'000, .size = 16, .views = 1, .scale = {}}, device) ==
          "[augment] stored images of 40000 pixels are too large");
    CHECK(refusal({.side = 16, .size = 16'000, .views = 1, .scale = {}}, device) ==
          "[augment] 40 images of 16000 pixels are too many for a batch");
  }
}
