// How a network is trained: what Trainer is told.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/feed.h"
#include "distributed/process_group.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"
#include "train/defence.h"

namespace tweed {

struct TrainerOptions {
  /// The largest learning rate; unset: 0.1 for sgd, 0.001 for adam and adamw, 0.01 for rmsprop,
  /// 0.0001 for lion, 0.02 for muon.
  std::optional<double> lr;
  int64_t epochs = 10;
  int64_t iterations = 0;  ///< if set, this many steps instead of whole epochs
  int64_t batch_size = 64;
  std::string optimizer = "sgd";  ///< one of optimizer_names()
  /// beta1 of adam, adamw and lion. Unset: 0.9, but 0 for rmsprop and 0.95 for muon.
  std::optional<double> momentum;
  bool nesterov = false;            ///< of sgd
  std::optional<double> dampening;  ///< of sgd; unset: 0
  std::optional<double> beta2;    ///< unset: 0.999 for adam and adamw, 0.99 for lion, 0.95 for muon
  std::optional<double> eps;      ///< unset: 1e-8, but 1e-10 for muon; sgd and lion have none
  std::optional<double> alpha;    ///< of rmsprop; unset: 0.99
  bool centered = false;          ///< of rmsprop
  std::optional<double> adam_lr;  ///< of what muon leaves to AdamW; unset: 0.015 of lr
  /// Unset: 0.0001 for sgd, 0 for adam and rmsprop, 0.01 for adamw and muon, 0.1 for lion.
  std::optional<double> weight_decay;
  /// If set, the learning rate of the parameters of `head`, instead of lr.
  std::optional<double> head_lr;
  /// A layer's name; see head_name() in nn/head.h. muon leaves it to AdamW.
  std::string head;
  bool no_decay_norms = false;  ///< no weight decay on biases and on the scales of norms
  /// Of the learning rate, each iteration: cosine, step (a tenth after each third), onecycle (the
  /// momentum goes the other way), constant.
  std::string schedule = "cosine";
  double warmup = 0;     ///< epochs in which the learning rate rises from 0, for all but onecycle
  double clip_grad = 0;  ///< the largest norm of all gradients together; 0: any
  int accumulate = 1;    ///< parts in which a batch goes through the network
  double ema = 0;        ///< decay of a moving average of the weights (see Ema); 0: none
  Attack attack;         ///< if given, trains on images that it changed
  /// Trains the network to withstand attacks: pgd, fgsm, free, trades, mart, awp, half, or a name
  /// of one's own (see defence.h); empty: not. An epoch of `free` has all its replays.
  std::string adversarial;
  /// How, and what robust accuracy is measured at; unset: PGD-10 at 8/255 of the pixels.
  std::optional<DefenceOptions> defence;
  Augmentation augmentation;
  Normalization normalization;
  int image_size = 0;              ///< pixels cut from an image; 0: what the data set suggests
  uint64_t seed = 0;               ///< of order, augmentation and dropout
  int workers = 2;                 ///< threads that prepare batches
  DType compute = DType::float32;  ///< bfloat16: with float32 master weights
  Residence residence = Residence::automatic;
  bool record = true;  ///< on `cuda` and `sim`: steps are recorded and replayed (see Replay)
  /// Other processes that train together with this one: each has its share of every batch, whose
  /// size is the whole one's, and an equal network. Null: there are none.
  std::shared_ptr<ProcessGroup> group;
  bool sync_bn = false;    ///< with them, batch norms take the statistics of the whole batch
  bool log_steps = false;  ///< keeps what each step came to, for Trainer::new_steps()
};

/// sgd, adam, adamw (decay apart from gradients), rmsprop, lion, muon
std::vector<std::string> optimizer_names();
/// What the optimizer's momentum (or beta1) is, as long as no schedule changes it.
double first_momentum(const TrainerOptions& options);
std::vector<ParameterRule> rules_of(const TrainerOptions& options);
/// @throws Error  if there is no such optimizer
std::unique_ptr<Optimizer> make_optimizer(const TrainerOptions& options,
                                          ParameterBuffer& parameters);
/// The learning rate of each iteration. @param total, warmup  iterations
/// @throws Error  if there is no such schedule
Schedule learning_rate(const TrainerOptions& options, int64_t total, int64_t warmup);
/// Of the optimizer's momentum; empty if it stays.
Schedule momentum_of(const TrainerOptions& options, int64_t total);

}  // namespace tweed
