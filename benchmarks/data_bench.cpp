// How fast training batches are prepared, without a network: opening DATA, and then copying,
// resampling, colouring and normalising. See --help.
#include <chrono>
#include <cstdio>
#include <ctime>

#include "apps/flags.h"
#include "apps/numbers.h"
#include "data/feed.h"
#include "kernels/machine/printable.h"
#include "tensor/device.h"

using namespace tweed;
using namespace tweed::app;

namespace {

struct Flags {
  DataFlags data;
  DeviceFlags device;
  std::vector<std::string> augment{"none",
                                   "mirror,crop",
                                   "coursework",
                                   "coursework,bicubic",
                                   "mirror,crop,jitter",
                                   "mirror,crop,randaugment",
                                   "mirror,crop,mixup"};
  int64_t batch_size = 64, batches = 40, rounds = 3;
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
// Of all threads of this program: on a busy machine the share that it got does not count.
double processor_seconds() { return double(std::clock()) / CLOCKS_PER_SEC; }

struct Speed {
  double a_second = 0, a_processor_second = 0;
};

Speed measure(const Flags& f, const Dataset& data, const std::string& names, Device device) {
  LoaderOptions options{.batch_size = f.batch_size,
                        .image_size = data.image_size(),
                        .workers = f.data.workers,
                        .seed = f.data.seed};
  options.augmentation = parse_augmentation(names, data.image_size());
  Feed feed(data, device, options);
  Speed best;
  for (int64_t round = 0; round < f.rounds && !interrupted(); ++round) {
    feed.start_epoch(round);
    if (!feed.next()) throw Error("there are fewer images than a batch");
    feed.load();  // the first is not counted: memory comes and threads start
    synchronize(device);
    const double started = now(), processor = processor_seconds();
    int64_t images = 0;
    for (int64_t i = 0; i < f.batches && feed.next(); ++i, images += f.batch_size) feed.load();
    synchronize(device);
    best.a_second = std::max(best.a_second, double(images) / (now() - started));
    best.a_processor_second =
        std::max(best.a_processor_second, double(images) / (processor_seconds() - processor));
  }
  return best;
}

int run_all(const Flags& f, const DataSplits& data, double opened, Device device) {
  say("%ld training images of %dx%d, opened in %.2f s; batches of %ld on %s, the best of %ld "
      "rounds\n",
      long(data.train.size()), data.image_size, data.image_size, opened, long(f.batch_size),
      device_text(device).c_str(), long(f.rounds));
  say("%-28s %12s %24s\n", "--augment", "images/s", "images/processor second");
  for (auto& names : f.augment) {
    const Speed speed = measure(f, data.train, names, device);
    if (interrupted()) return 130;
    say("%-28s %12.0f %24.0f\n", names.c_str(), speed.a_second, speed.a_processor_second);
  }
  return 0;
}

std::function<int()> prepare(int argc, char** argv) {
  CLI::App app("Times how training batches are prepared, without a network.", "data_bench");
  auto f = std::make_shared<Flags>();
  f->data.add_to(app, "of order and transforms");
  f->device.add_to(app);
  add_whole(app, "-b,--batch-size", f->batch_size, {1, 65536}, "images a batch");
  add_whole(app, "--batches", f->batches, {1, 1'000'000}, "at most so many a round");
  add_whole(app, "--rounds", f->rounds, {1, 1000}, "of which the best counts");
  app.add_option("--augment", f->augment, "as for train_miniplaces; may be given several times")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->expected(1)
      ->default_str("");
  parse(app, argc, argv);
  for (auto& names : f->augment) parse_augmentation(names, 32);
  const Device device = f->device.open();
  const double started = now();
  const DataSplits data = f->data.open(Splits::train);
  return [f, data, device, opened = now() - started] { return run_all(*f, data, opened, device); };
}

}  // namespace

int main(int argc, char** argv) {
  return app::run("data_bench", [&] { return prepare(argc, argv); });
}
