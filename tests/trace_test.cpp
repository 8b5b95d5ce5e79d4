// Trace: what it notes of operations, kernels and libraries, its table, its file, and that it
// leaves nothing behind when it is off.
#include "train/trace.h"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "autograd/attention.h"
#include "autograd/conv/algorithm.h"
#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/matmul.h"
#include "autograd/reduce.h"
#include "kernels/machine/trace_notes.h"
#include "tensor/replay.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"
#include "tests/support.h"

using namespace tweed;

namespace {

// y = relu(conv(x)), forward and backward.
void convolve(Device device) {
  const Tensor x = random_tensor({2, 8, 8, 3}, DType::float32, device),
               w = random_tensor({4, 3, 3, 3}, DType::float32, device, 1);
  require_grad(w);
  backward(sum(relu(conv2d(x, w, {}, {.padding = 1}))));
}

std::vector<TracedOperation> traced(const std::function<void()>& work) {
  Trace trace;
  work();
  trace.stop();
  double seconds = 0;
  for (auto& o : trace.operations()) seconds += o.seconds();
  CHECK(seconds <= trace.seconds());
  return trace.operations();
}

const TracedOperation& named(const std::vector<TracedOperation>& all, const std::string& name,
                             const std::string& phase) {
  for (auto& o : all)
    if (o.name == name && o.phase == phase) return o;
  throw Error("no " + name + " " + phase);
}

std::string call_names(const TracedOperation& o) {
  std::string text;
  for (auto& call : o.calls) text += call.algorithm + ":" + call.name + " ";
  return text;
}

}  // namespace

TEST_CASE("A trace has every operation with its shapes, its kernels, bytes and operations") {
  for (Device device : test_devices()) {
    INFO(device.name());
    const Tensor a = random_tensor({6, 5}, DType::float32, device),
                 b = random_tensor({5, 7}, DType::float32, device, 1);
    require_grad(b);
    const auto all = traced([&] { backward(sum(relu(matmul(a, b)))); });

    const auto& product = named(all, "matmul", "forward");
    CHECK(product.shapes == "(6, 5) (5, 7) -> (6, 7)");
    CHECK(product.flops == 2 * 6 * 5 * 7);
    CHECK(product.bytes() == 4 * (6 * 5 + 5 * 7 + 6 * 7));
    CHECK(product.calls.size() == 1);
    const auto& slope = named(all, "relu", "backward");
    CHECK(slope.shapes == "(6, 7) -> (6, 7)");
    REQUIRE(slope.calls.size() == 1);
    CHECK_THAT(slope.calls[0].name, Contains("_kernel"));
    CHECK(slope.bytes() == 4 * 3 * 6 * 7);
    // a requires no gradient: of two products one remains.
    CHECK(named(all, "matmul", "backward").flops == 2 * 6 * 5 * 7);
    for (auto& o : all) {
      CHECK(!o.calls.empty());
      for (auto& call : o.calls) CHECK(call.seconds >= 0);
    }
  }
}

TEST_CASE("A trace names the algorithm of each pass of a convolution, and what it called") {
  for (Device device : test_devices()) {
    INFO(device.name());
    set_conv_algorithm(device, &conv::im2col);
    const auto all = traced([&] { convolve(device); });
    set_conv_algorithm(device, nullptr);
    const auto& forward = named(all, "conv2d", "forward");
    CHECK(forward.flops == 2 * 2 * 8 * 8 * 4 * 27);
    CHECK_THAT(call_names(forward), Contains("im2col:im2col_kernel<float>"));
    CHECK(named(all, "conv2d", "backward").flops == forward.flops);
  }
}

TEST_CASE("A loss is one operation, and what nobody recorded has a name as well") {
  const Tensor logits = random_tensor({4, 3});
  require_grad(logits);
  const auto all = traced([&] {
    backward(cross_entropy(logits, Tensor::from(std::vector<int32_t>{0, 1, 2, 0}, {4})));
    logits.clone();
  });
  CHECK(named(all, "cross_entropy", "forward").calls.size() > 1);
  CHECK_THAT(call_names(named(all, "other", "step")), Contains("copy"));
}

TEST_CASE("Operations that a backward pass is made of are parts of it") {
  for (Device device : test_devices()) {
    const Tensor x = random_tensor({3, 4}, DType::float32, device),
                 y = random_tensor({3, 4}, DType::float32, device, 1);
    require_grad(x);
    const auto all = traced([&] {
      const Tensor z =
          record("own", {x}, x.detach() + y, save(y),
                 [](const Saved& s, const Tensor& dy, Want) { return Grads{dy * s[0]}; });
      backward(sum(z));
    });
    CHECK_THAT(call_names(named(all, "own", "backward")), Contains("_kernel"));
    for (auto& o : all) CHECK((o.phase == "forward") == (&o < &named(all, "sum", "backward")));
  }
}

TEST_CASE("A GPU's kernels have their names where there is no addr2line") {
  const char* path = std::getenv("PATH");
  const std::string before = path ? path : "";
  for (Device device : test_devices()) {
    if (!device.is_cuda()) continue;
    const Tensor x = random_tensor({3}, DType::float32, device);
    setenv("PATH", "/nowhere", 1);
    const auto all = traced([&] { relu(x); });
    setenv("PATH", before.c_str(), 1);
    CHECK_THAT(call_names(all.at(0)), Contains("kernel<") && Contains("float"));
  }
}

TEST_CASE("Attention counts its products") {
  const Tensor q = random_tensor({1, 2, 8, 16});
  require_grad(q);
  const auto all = traced([&] { backward(sum(scaled_dot_product_attention(q, q, q))); });
  const std::string name = "scaled_dot_product_attention";
  CHECK(named(all, name, "forward").flops == 2 * 2 * 2 * 8 * 8 * 16);
  CHECK(named(all, name, "backward").flops == 5 * 2 * 2 * 8 * 8 * 16);
}

TEST_CASE("A trace belongs to its thread, and a table to one that has ended") {
  Trace trace;
  relu(random_tensor({3}));
  CHECK_THROWS_WITH(trace.table({}), "[trace] stop() comes before table()");
  std::string error;
  std::thread([&] {
    try {
      trace.stop();
    } catch (const Error& e) {
      error = e.what();
    }
  }).join();
  CHECK(error == "[trace] stop() it on the thread that made it");
  trace.stop();
  CHECK(trace.operations().size() == 1);
}

TEST_CASE("Names that are no UTF-8 reach neither a table nor a file") {
  const Tensor x = random_tensor({3});
  Trace trace;
  record("caf\xff\n\x1b[31m", {x}, x + x, {},
         [](const Saved&, const Tensor& dy, Want) { return Grads{dy}; });
  record("caf\xff\n\x1b[31m", {x}, x.clone(), {},
         [](const Saved&, const Tensor& dy, Want) { return Grads{dy}; });
  trace.stop();
  CHECK_THAT(trace.table({}), Contains("caf\\xff\\n\\x1b[31m"));
  CHECK(nlohmann::json::accept(trace.perfetto()));
}

TEST_CASE("Without a trace nothing is noted, and nothing is left of one that ended") {
  for (Device device : test_devices()) {
    convolve(device);
    CHECK_FALSE(trace::on);
    CHECK(traced([] {}).empty());
    const auto one = traced([&] { convolve(device); });
    const auto two = traced([&] { convolve(device); });
    REQUIRE(one.size() == two.size());
    for (std::size_t i = 0; i < one.size(); ++i) CHECK(call_names(one[i]) == call_names(two[i]));
  }
  {
    Trace unfinished;
    CHECK_THROWS_WITH(Trace(), "[trace] this thread traces already");
  }
  CHECK_FALSE(trace::on);
}

TEST_CASE("A trace changes no bits, and does the work of a Replay instead of repeating it") {
  for (Device device : test_devices()) {
    INFO(device.name());
    Tensor x = random_tensor({5}, DType::float32, device), y = Tensor::zeros_like(x);
    int calls = 0;
    Replay replay(device, [&] {
      ++calls;
      y.copy_from(x * x);
    });
    for (int i = 0; i < 3; ++i) replay();
    const Tensor wanted = y.clone();
    y.fill(0);
    const int before = calls;
    const auto all = traced([&] { replay(); });
    CHECK(calls == before + 1);
    CHECK(same_bits(y, wanted));
    CHECK(named(all, "mul", "forward").calls.size() == 1);
    y.fill(0);
    replay();
    CHECK(same_bits(y, wanted));
  }
}

TEST_CASE("The table keeps to its width, and its lines add up") {
  Trace trace;
  convolve({});
  trace.stop();
  for (int width : {50, 80}) {
    std::istringstream lines(trace.table({}, width));
    for (std::string line; std::getline(lines, line);) CHECK(int(line.size()) <= width);
  }
  const std::string table = trace.table({});
  for (const char* word : {"forward", "backward", "conv2d", "relu", "limits:", " % "})
    CHECK_THAT(table, Contains(word));
}

TEST_CASE("The file for Perfetto has calls within operations within the step") {
  Trace trace;
  convolve({});
  trace.stop();
  const auto file = nlohmann::json::parse(trace.perfetto());
  const auto& events = file.at("traceEvents");
  REQUIRE(events.size() > 4);
  auto begin = [](auto& e) { return e.at("ts").template get<double>(); };
  auto end = [&](auto& e) { return begin(e) + e.at("dur").template get<double>(); };
  const auto& step = events[0];
  CHECK(step.at("name") == "step");
  const nlohmann::json* operation = nullptr;
  for (std::size_t i = 1; i < events.size(); ++i) {
    const auto& e = events[i];
    CHECK(e.at("ph") == "X");
    const bool call = e.at("cat") == "call";
    const auto& outer = call ? *operation : step;
    CHECK(begin(e) >= begin(outer) - 1e-6);
    CHECK(end(e) <= end(outer) + 1e-6);
    if (!call) operation = &e;
  }
}

TEST_CASE(
    "TWEED_TRACE=1 prints the table of one training step, a name ending in .json gets the file") {
  const TemporaryFolder folder;
  auto train_traced = [&](const std::string& value, const std::string& out,
                          const std::string& epochs = "2") {
    write_data(folder.path() + "/data");
    Words command = {"/usr/bin/env", "TWEED_TRACE=" + value};
    return run_program(command + app_command("train_miniplaces") +
                       Words{folder.path() + "/data", "--model", "resnet20", "--image-size", "32",
                             "--batch-size", "4", "--epochs", epochs, "--out", out});
  };
  const Outcome table = train_traced("1", folder.path() + "/a");
  INFO(table.err);
  CHECK(table.code == 0);
  CHECK_THAT(table.err, Contains("conv2d") && Contains("optimizer"));
  CHECK(table.err.find("limits:") == table.err.rfind("limits:"));

  const std::string path = folder.path() + "/trace.json";
  const Outcome file = train_traced(path, folder.path() + "/b");
  CHECK(file.code == 0);
  CHECK_THAT(file.err, Contains("TWEED_TRACE: " + path));
  CHECK(nlohmann::json::parse(bytes_of(path)).contains("traceEvents"));

  // No reason to end the run.
  const Outcome refused = train_traced("/nowhere/trace.json", folder.path() + "/c");
  CHECK(refused.code == 0);
  CHECK_THAT(refused.err, Contains("TWEED_TRACE: /nowhere/trace.json: cannot be written"));
  CHECK(bytes_of(folder.path() + "/c/last.safetensors") ==
        bytes_of(folder.path() + "/a/last.safetensors"));

  const Outcome early = train_traced("1", folder.path() + "/d", "1");
  CHECK(early.code == 0);
  CHECK_THAT(early.err, Contains("TWEED_TRACE: training ended before its fourth step"));
  const Outcome wrong = train_traced("yes", folder.path() + "/e");
  CHECK_THAT(wrong.err,
             Contains("TWEED_TRACE is 1 for a table or a name that ends in .json, not 'yes'"));
  CHECK(train_traced("0", folder.path() + "/f").err.find("TWEED_TRACE") == std::string::npos);
}
