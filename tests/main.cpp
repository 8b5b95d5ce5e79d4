// The entry point of every test program: Catch2's, with --device NAME.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <iostream>

#include "tests/support.h"

int main(int argc, char** argv) {
  Catch::Session session;
  std::string device;
  session.cli(session.cli() | Catch::clara::Opt(device, "NAME")["--device"](
                                  "cpu, sim or cuda:N; else cpu and sim"));
  if (int wrong = session.applyCommandLine(argc, argv)) return wrong;
  try {
    if (!device.empty()) tweed::use_test_device(device);
  } catch (const tweed::Error& e) {
    std::cerr << e.what() << "\n";
    return 2;
  }
  return session.run();
}
