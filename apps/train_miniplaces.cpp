// Trains a network to recognise scenes, and evaluates one. See --help.
#include "apps/train_main.h"

int main(int argc, char** argv) { return tweed::app::train_main(argc, argv); }
