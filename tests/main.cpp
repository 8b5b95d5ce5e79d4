// The entry point of every test program: Catch2's, with --device NAME.
#define CATCH_CONFIG_RUNNER  // of version 2; version 3 brings its runner compiled
#include <iostream>

#include "tests/catch.h"
#include "tests/support.h"

#if __has_include(<catch2/catch_all.hpp>)
namespace CommandLine = Catch::Clara;
#else
namespace CommandLine = Catch::clara;
#endif

int main(int argc, char** argv) {
  Catch::Session session;
  std::string device;
  session.cli(session.cli() |
              CommandLine::Opt(device, "NAME")["--device"]("cpu, sim or cuda:N; else cpu and sim"));
  if (int wrong = session.applyCommandLine(argc, argv)) return wrong;
  try {
    if (!device.empty()) tweed::use_test_device(device);
  } catch (const tweed::Error& e) {
    std::cerr << e.what() << "\n";
    return 2;
  }
  return session.run();
}
