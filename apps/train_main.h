// train_miniplaces as a function, for programs that add something of their own to it.
#pragma once

namespace tweed::app {

/// The whole of apps/train_miniplaces: flags in, files out. Returns the exit code. What was given a
/// name before, by register_model() or register_attack(), is taken by --model and --adversarial.
int train_main(int argc, char** argv);

}  // namespace tweed::app
