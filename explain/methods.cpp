#include "explain/methods.h"

#include <algorithm>

#include "autograd/argmax.h"
#include "autograd/shape_ops.h"
#include "explain/grad_cam.h"
#include "explain/guided.h"
#include "explain/integrated.h"
#include "explain/occlusion.h"
#include "explain/rollout.h"
#include "explain/saliency.h"
#include "explain/smooth_grad.h"
#include "kernels/machine/printable.h"
#include "kernels/machine/suggest.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"

namespace tweed {
namespace {

using Options = ExplainOptions;

Tensor gradient(Module& network, const Tensor& x, const Tensor& targets, const Options& o) {
  const ClassScore score = o.score.value_or(ClassScore::log_probability);
  return largest_of_channels(input_gradient(network, x, targets, score));
}
Tensor times_input(Module& network, const Tensor& x, const Tensor& targets, const Options& o) {
  return sum_of_channels(
      input_x_gradient(network, x, targets, o.score.value_or(ClassScore::logit)));
}
Tensor integrated(Module& network, const Tensor& x, const Tensor& targets, const Options& o) {
  return sum_of_channels(integrated_gradients(network, x, targets, o));
}
Tensor smooth_grad(Module& network, const Tensor& x, const Tensor& targets, const Options& o) {
  return largest_of_channels(smooth_gradients(network, x, targets, o).mean);
}
Tensor var_grad(Module& network, const Tensor& x, const Tensor& targets, const Options& o) {
  return largest_of_channels(smooth_gradients(network, x, targets, o).variance);
}
Tensor guided(Module& network, const Tensor& x, const Tensor& targets, const Options& o) {
  return largest_of_channels(
      guided_gradient(network, x, targets, o.score.value_or(ClassScore::logit)));
}
Tensor rollout(Module& network, const Tensor& x, const Tensor&, const Options&) {
  return attention_rollout(network, x);
}

}  // namespace

const std::vector<ExplainMethod>& explain_methods() {
  static const std::vector<ExplainMethod> rows{
      {"gradient", "Gradient saliency", "Simonyan 2013, arXiv:1312.6034",
       "small changes here change the answer", false, false, true, gradient},
      {"input-x-gradient", "Input x gradient", "Shrikumar 2016, arXiv:1605.01713",
       "a linear network's share of the score", true, false, true, times_input},
      {"integrated-gradients", "Integrated gradients", "Sundararajan 2017, arXiv:1703.01365",
       "shares that add up to the score, less a baseline's", true, false, true, integrated},
      {"smoothgrad", "SmoothGrad", "Smilkov 2017, arXiv:1706.03825",
       "the gradient, mean over noisy copies", false, false, true, smooth_grad},
      {"vargrad", "VarGrad", "Adebayo 2018, arXiv:1810.03307",
       "where the gradient changes most under noise", false, false, true, var_grad},
      {"guided-backprop", "Guided backprop", "Springenberg 2014, arXiv:1412.6806",
       "edges that excite what is excited; hardly the class", false, false, true, guided},
      {"grad-cam", "Grad-CAM", "Selvaraju 2016, arXiv:1610.02391",
       "a layer's channels that stand for the class", false, true, true, grad_cam},
      {"grad-cam++", "Grad-CAM++", "Chattopadhay 2017, arXiv:1710.11063",
       "the same, for several objects alike", false, true, true, grad_cam_plus_plus},
      {"occlusion", "Occlusion", "Zeiler, Fergus 2013, arXiv:1311.2901",
       "what the score loses where it is covered", true, false, true, occlusion},
      {"rollout", "Attention rollout", "Abnar, Zuidema 2020, arXiv:2005.00928",
       "where a vision transformer looked, for any class", false, false, false, rollout}};
  return rows;
}

std::vector<std::string> explain_method_names() {
  std::vector<std::string> names;
  for (auto& row : explain_methods()) names.emplace_back(row.name);
  return names;
}

const ExplainMethod& explain_method(const std::string& name) {
  std::string known;
  for (auto& row : explain_methods()) {
    if (name == row.name) return row;
    known.append(known.empty() ? "" : ", ").append(row.name);
  }
  throw Error("there is no method " + in_quotes(name) + did_you_mean(name, explain_method_names()) +
              "; there are " + known);
}

namespace {

// f of options.at_once images after another, put together.
template <class F>
Tensor in_parts(int64_t images, const ExplainOptions& options, F f) {
  std::vector<Tensor> parts;
  for (int64_t first = 0; first < images; first += options.at_once)
    parts.push_back(f(first, std::min(images, first + options.at_once)));
  return concat(parts, 0);
}

}  // namespace

Explanation explain(Module& network, const Tensor& x, const ExplainMethod& method,
                    const ExplainOptions& options, const Tensor& targets) {
  if (x.ndim() != 4 || x.dim(0) < 1) fail("explain", "x is ", x.shape(), ", not (N, H, W, C)");
  if (options.at_once < 1) throw Error("at least one image has to go through the network at once");
  Explanation result;
  result.logits = in_parts(x.dim(0), options, [&](int64_t first, int64_t last) {
    const EvalMode eval(network);
    const NoGrad no_grad;
    return forward_float(network, x.slice(first, last));
  });
  result.targets = targets.defined() ? targets : argmax(result.logits);
  if (result.targets.shape() != Shape{x.dim(0)})
    fail("explain", "targets are ", result.targets.shape(), " for images ", x.shape());
  for (int32_t target : result.targets.to_vector<int32_t>())
    if (target < 0 || target >= result.logits.dim(1))
      throw Error("target " + std::to_string(target) + " is none of " +
                  std::to_string(result.logits.dim(1)) + " classes");
  result.map = in_parts(x.dim(0), options, [&](int64_t first, int64_t last) {
    return method.map(network, x.slice(first, last), result.targets.slice(first, last), options);
  });
  return result;
}

}  // namespace tweed
