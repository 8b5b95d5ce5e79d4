// Everything else is compiled for x86-64-v3 and would end in an illegal instruction on an older
// processor, perhaps before main(). This file is compiled for any x86-64 and runs first.
#include <unistd.h>

#include <cstring>

extern "C" {

__attribute__((constructor(101))) void tweed_check_processor() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi2"))
    return;
  static const char text[] =
      "this processor is too old: Tweed needs x86-64-v3 (AVX2, FMA and BMI2; Intel Haswell of "
      "2013, "
      "AMD Zen of 2017, or newer)\n";
  if (write(STDERR_FILENO, text, std::strlen(text)) < 0) _exit(3);
  _exit(2);
}
}
