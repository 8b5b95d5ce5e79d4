// The programs of docs/examples, run as their readers would.
#include "apps/paths.h"
#include "autograd/gradcheck.h"
#include "data/read_file.h"
#include "docs/examples/my_conv/my_conv.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"
#include "tests/support.h"

using namespace tweed;

namespace {

Outcome run_in(const std::string& folder, const std::string& program, const std::string& words) {
  return run_program(
      {"/bin/sh", "-c", "cd '" + folder + "' && exec '" + program_path(program) + "' " + words});
}

}  // namespace

TEST_CASE("my_conv is conv2d, and its backward pass is right, by the coursework's tolerances") {
  struct Case {
    int64_t channels, kernel, stride, padding, size;
  };
  // The coursework's own, and smaller ones.
  for (const Case& c :
       {Case{3, 7, 2, 3, 12}, Case{2, 1, 1, 0, 4}, Case{2, 3, 1, 1, 5}, Case{1, 2, 3, 1, 7}})
    for (Device device : test_devices()) {
      const int64_t out = c.kernel == 7 ? 8 : 3;  // 64 filters take gradcheck minutes
      const Tensor x = random_tensor({2, c.size, c.size, c.channels}, DType::float64, device, 1);
      const Tensor w =
          random_tensor({out, c.kernel, c.kernel, c.channels}, DType::float64, device, 2);
      const Tensor b = random_tensor({out}, DType::float64, device, 3);
      const auto run = [&](const std::vector<Tensor>& in) {
        return my_conv(in[0], in[1], in[2], c.stride, c.padding);
      };
      const Tensor wanted = conv2d(x, w, b, {.stride = c.stride, .padding = c.padding});
      CHECK(difference(run({x, w, b}).to_doubles(), wanted.to_doubles(), 1e-5) == "");
      if (device.kind() == Device::Kind::sim && c.kernel == 7) continue;
      const GradcheckResult result = gradcheck(run, {x, w, b}, {.eps = 1e-4, .atol = 1e-5});
      INFO(device.name() << ": " << result.message);
      CHECK(result);
    }
}

TEST_CASE("The coursework's convolution has 64 filters") {
  const Tensor x = random_tensor({2, 12, 12, 3}, DType::float64, {}, 1);
  const Tensor w = random_tensor({64, 7, 7, 3}, DType::float64, {}, 2);
  const Tensor b = random_tensor({64}, DType::float64, {}, 3);
  CHECK(difference(my_conv(x, w, b, 2, 3).to_doubles(),
                   conv2d(x, w, b, {.stride = 2, .padding = 3}).to_doubles(), 1e-5) == "");
}

TEST_CASE("The program with images trains, evaluates, saves, and explains one") {
  TemporaryFolder folder;
  const Outcome o = run_in(folder.path(), "places", "");
  INFO(o.out << o.err);
  REQUIRE(o.code == 0);
  CHECK_THAT(o.out, Contains("validation: top-1 ") && Contains("(1000 images)"));
  CHECK(line_count(o.out) == 5);
  CHECK(run_in(folder.path(), "classify", "why.png --weights places.safetensors").code == 0);
}

TEST_CASE("A network, a convolution and an attack of one's own go through train_main") {
  TemporaryFolder folder;
  const std::string data = "tiny --image-size 16 --batch-size 8 --limit 4 --classes 3 --epochs 1 ";
  for (auto& [program, model] :
       {std::pair{"my_network", "mynet"}, std::pair{"my_conv", "my_conv_net"}}) {
    const std::string out = model;
    Outcome o = run_in(folder.path(), program, data + "--model " + model + " --out " + out);
    INFO(o.out << o.err);
    REQUIRE(o.code == 0);
    CHECK_THAT(o.out, Contains(std::string(model) + ": "));
    o = run_in(folder.path(), program, "--resume " + out + " --epochs 2");
    CHECK(o.code == 0);
    // What does not know the network says so.
    CHECK_THAT(run_in(folder.path(), "classify", "x.png --weights " + out).err, Contains(model));
  }
  const Outcome o = run_in(folder.path(), "my_network",
                           "tiny --resume mynet -e -a -v --attack-method noise --eps 4/255");
  INFO(o.out << o.err);
  CHECK(o.code == 0);
  CHECK_THAT(o.out, Contains("attacked:") && Contains("wrote mynet/attack.png"));
  check_refused(run_in(folder.path(), "my_network", data + "--adversarial nois"), "noise");
}

TEST_CASE("A name is given once") {
  const auto make = [](const ModelOptions&) { return ModulePtr(); };
  CHECK_THROWS_WITH(register_model("resnet18", make), Contains("'resnet18' already"));
  CHECK_THROWS_WITH(register_model("x.json", make), Contains("cannot be called 'x.json'"));
  // A file keeps the name, of which a path would lose its first part.
  for (const char* name : {"", "x/y", "a b", "n\nl"})
    CHECK_THROWS_WITH(register_model(name, make), Contains("a model cannot be called"));
  register_model("nothing", [](const ModelOptions&) { return ModulePtr(); });
  CHECK_THROWS_WITH(make_model("nothing", {}), "what was registered as model 'nothing' makes none");
  CHECK_THROWS_WITH(register_attack("pgd", {}), Contains("'pgd' already"));
  CHECK_THROWS_WITH(attack_called("bgsm"),
                    Contains("no attack 'bgsm'; there are apgd-ce, apgd-dlr"));
}

TEST_CASE("Every rung of the ladder is right on each machine, and costs what ladder.md says") {
  const Outcome o = run_program({program_path("ladder"), "64"});
  INFO(o.err);
  CHECK(o.code == 0);
  const std::string table = o.out.substr(0, o.out.find("\ncpu, ") + 1);
  CHECK(table.rfind("sim, 64 rows of 768\n", 0) == 0);
#ifndef __SANITIZE_ADDRESS__  // without the hooks there is nothing to count
  CHECK_THAT(read_file(source_path("docs/ladder.md"), 1 << 20), Contains(table));
#endif
  CHECK(run_program({program_path("ladder"), "none"}).code == 2);
}
