// Gradients of a small network: by hand, by the graph, and checked. Chapter 2 of docs/course.
//
//   course_gradients [graph.svg]
#include <cstdio>
#include <fstream>

#include "tweed.h"
using namespace tweed;

void print(const char* name, const std::vector<double>& values) {
  std::printf("  d(loss)/d%s =", name);
  for (double v : values) std::printf(" %g", v);
  std::printf("\n");
}

// loss = (v . relu(W x) - t)^2
void by_hand() {
  const double x[2] = {1, 2}, W[2][2] = {{1, -1}, {0.5, 0.25}}, v[2] = {2, 3}, t = 1;
  // Forward, keeping what the way back needs.
  double z[2], h[2], y = 0;
  for (int i = 0; i < 2; ++i) {
    z[i] = W[i][0] * x[0] + W[i][1] * x[1];
    h[i] = z[i] > 0 ? z[i] : 0;
    y += v[i] * h[i];
  }
  const double d = y - t;
  // Backward: each line is the chain rule for one line above, in the opposite order.
  const double dy = 2 * d;
  double dv[2], dW[2][2], dx[2] = {0, 0};
  for (int i = 0; i < 2; ++i) {
    dv[i] = dy * h[i];
    const double dh = dy * v[i];
    const double dz = z[i] > 0 ? dh : 0;
    for (int j = 0; j < 2; ++j) {
      dW[i][j] = dz * x[j];
      dx[j] += dz * W[i][j];  // x[j] was used twice: its parts add up
    }
  }
  std::printf("by hand: loss %g\n", d * d);
  print("W", {dW[0][0], dW[0][1], dW[1][0], dW[1][1]});
  print("v", {dv[0], dv[1]});
  print("x", {dx[0], dx[1]});
}

Tensor loss_of(const Tensor& x, const Tensor& W, const Tensor& v, const Tensor& t) {
  const Tensor d = linear(relu(linear(x, W)), v) - t;
  return sum(d * d);
}

int main(int argc, char** argv) {
  by_hand();

  const Tensor x = Tensor::from<double>({1, 2}, {1, 2});
  const Tensor W = Tensor::from<double>({1, -1, 0.5, 0.25}, {2, 2});
  const Tensor v = Tensor::from<double>({2, 3}, {1, 2});
  const Tensor t = Tensor::from<double>({1}, {1, 1});
  for (const Tensor& leaf : {x, W, v}) require_grad(leaf);
  const Tensor loss = loss_of(x, W, v, t);
  if (argc > 1) std::ofstream(argv[1]) << draw_graph(loss);
  backward(loss);
  std::printf("by the graph: loss %g\n", loss.item());
  print("W", grad(W).to_doubles());
  print("v", grad(v).to_doubles());
  print("x", grad(x).to_doubles());

  const auto f = [](const std::vector<Tensor>& in) { return loss_of(in[0], in[1], in[2], in[3]); };
  const GradcheckResult right = gradcheck(f, {x, W, v, t});
  std::printf("checked: %s\n", right ? "right" : right.message.c_str());
  // The same at a kink: z[0] = 0, where relu has no slope that differences could find.
  const Tensor kink = Tensor::from<double>({2, -1, 0.5, 0.25}, {2, 2});
  const GradcheckResult at_kink = gradcheck(f, {x, kink, v, t});
  std::printf("at a kink: %s\n", at_kink ? "right" : at_kink.message.c_str());
}
