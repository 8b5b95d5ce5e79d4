// Numbers in flags: what is taken, what is refused, and that every flag of every app goes by it.
#include "apps/numbers.h"

#include <regex>

#include "apps/paths.h"
#include "kernels/machine/error.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"

using namespace tweed;
using namespace tweed::app;

namespace {

const char* const no_numbers[] = {"",    " 5", "5 ",   "+5", "0x10", "nan", "-nan", "inf",
                                  "1,5", "5x", "five", "--", "-",    "1e",  "\n"};

template <class Call>
std::string refusal(Call call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

// The first long names of the flags whose type in --help is `type`.
Words flags_of_type(const std::string& app, const std::string& type) {
  const std::string help = run_app(app, {"--help-all"}).out;
  const std::regex line("\n  (?:-\\w, )?(--[\\w-]+)(?:, --[\\w-]+)* " + type + "(?=[ \n])");
  Words flags;
  for (std::sregex_iterator i(help.begin(), help.end(), line), end; i != end; ++i)
    flags.push_back((*i)[1]);
  return flags;
}

}  // namespace

TEST_CASE("Whole numbers are decimal, whole and in their range") {
  auto parse = [](const std::string& text) { return parse_whole(text, "--n", {-3, 1000}); };
  CHECK(parse("-3") == -3);
  CHECK(parse("010") == 10);
  CHECK(parse("1000") == 1000);
  for (auto text : no_numbers) {
    INFO(text);
    CHECK_THROWS_AS(parse(text), Error);
  }
  for (auto text : {"1e2", "1.0", "-4", "1001", "99999999999999999999", "18446744073709551617"})
    CHECK(refusal([&] { parse(text); }) ==
          "--n takes a whole number from -3 to 1000, not '" + std::string(text) + "'");
  CHECK(refusal([&] { parse(std::string(100'000, '9')); }).size() < 200);
  CHECK(refusal([&] { parse("\x1b[31m"); }).find('\x1b') == std::string::npos);
}

TEST_CASE("Seeds have any 64 bits, and no more") {
  CHECK(parse_seed("18446744073709551615", "--seed") == UINT64_MAX);
  for (auto text : {"18446744073709551616", "-1", "1.5", "0x1", ""})
    CHECK_THROWS_AS(parse_seed(text, "--seed"), Error);
}

TEST_CASE("Numbers are finite and in their range") {
  auto parse = [](const std::string& text) { return parse_number(text, "--lr", above_zero); };
  CHECK(parse("0.5") == 0.5);
  CHECK(parse("1e-4") == 1e-4);
  CHECK(parse(".25") == 0.25);
  for (auto text : no_numbers) {
    INFO(text);
    CHECK(refusal([&] { parse(text); }).starts_with("--lr takes a number above 0, not '"));
  }
  for (auto text : {"0", "-1", "1e999", "1e-999", "1/2"}) CHECK_THROWS_AS(parse(text), Error);
  CHECK(refusal([&] { parse("1e39"); }) ==
        "--lr takes a number above 0 that float32 holds, not '1e39'");
  CHECK(parse_number("0", "--momentum", below_one) == 0);
  CHECK(refusal([&] { parse_number("1", "--momentum", below_one); }) ==
        "--momentum takes a number from 0 to below 1, not '1'");
}

TEST_CASE("Fractions are numbers, or two with a slash between them") {
  auto parse = [](const std::string& text) { return parse_fraction(text, "--eps"); };
  CHECK(parse("8/255") == 8 / 255.);
  CHECK(parse("0.03") == 0.03);
  CHECK(parse("0") == 0);
  for (auto text : no_numbers) {
    INFO(text);
    CHECK_THROWS_AS(parse(text), Error);
    CHECK_THROWS_AS(parse(std::string(text) + "/255"), Error);
    CHECK_THROWS_AS(parse("8/" + std::string(text)), Error);
  }
  for (auto text : {"8/0", "8/-1", "-8/255", "1/2/3", "/", "1e300/1e-300"})
    CHECK_THROWS_AS(parse(text), Error);
}

TEST_CASE("Every number of every app is read strictly") {
  const std::pair<const char*, Words> apps[] = {
      {"train_miniplaces", {}},
      {"pgd_attack", {"none.safetensors"}},
      {"evaluate", {"none.safetensors"}},
      {"saliency_maps", {"none.safetensors"}},
      {"inspect", {"none.safetensors"}},
      {"classify", {"none.png", "--weights", "none.safetensors"}},
      {"features", {"none.safetensors"}},
      {"export_weights", {"none.safetensors", "none.onnx"}},
      {"tiny_places_sheet", {}}};
  for (auto& [name, words] : apps) {
    const Words flags = flags_of_type(name, "(?:N|X|N\\|NxN|X\\|X,X,X)");
    CHECK(flags.size() >= (name == std::string("train_miniplaces") ? 20u : 4u));
    for (auto& flag : flags)
      for (const char* value : {"nan", "0x10", "+1", "99999999999999999999999999999999999999999"}) {
        INFO(name << " " << flag << " " << value);
        check_refused(run_app(name, words + Words{flag + "=" + value}), flag + " takes ");
      }
    // Nothing is left to the library's own idea of a number.
    CHECK(flags_of_type(name, "(?:U?INT|FLOAT)[^ \n]*") == Words());
  }
}

TEST_CASE("Values that pass for numbers but cannot be meant are refused") {
  auto train = [](const std::string& flags) { return run_app("train_miniplaces", split(flags)); };
  for (const char* value : {"nan", "inf", "0", "-1", "1e300"}) {
    check_refused(train("--lr " + std::string(value)), "--lr takes a number above 0");
    check_refused(train("--adversarial pgd --step " + std::string(value)), "--attack-step");
  }
  for (const char* flag : {"--momentum", "--ema"})
    for (const char* value : {"nan", "1", "-0.1"})
      check_refused(train(flag + std::string(" ") + value), " takes a number from 0 to below 1");
  for (const char* flag : {"--wd", "--clip-grad"})
    for (const char* value : {"nan", "inf", "-1"})
      check_refused(train(flag + std::string(" ") + value), " takes a number from 0 on, not");
  check_refused(train("--warmup nan"), "--warmup takes a number from 0 to 100000");
  check_refused(train("--iterations 99999999999999999999"), "--iterations takes a whole number");
  check_refused(train("--adversarial pgd --eps 8"), "did you mean 8/255?");
  check_refused(train("--adversarial pgd --eps 1.01"), "pixels reach from 0 to 1");
  check_refused(train("--adversarial pgd --step 2"), "did you mean 2/255?");
  check_refused(run_app("classify", split("x.png --weights x --std 0")),
                "--std takes a number above 0");
}

TEST_CASE("What the environment asks for is checked, too") {
  auto train = [](const std::string& setting) {
    return run_program(
        Words{"/usr/bin/env", setting, program_path("train_miniplaces"), "--device", "tpu"});
  };
  check_refused(train("TWEED_SIMD=\x1b[31m"), "TWEED_SIMD is '\\x1b[31m': use baseline");
  check_refused(train("OMP_NUM_THREADS=100000"), "OMP_NUM_THREADS asks for 100000 threads");
  check_refused(train("OMP_NUM_THREADS=2"), "no device 'tpu'");
}
