# What keeps compiling short, where nothing runs long. Kernels and loops over pixels (kernels/, data/)
# are compiled with -O3; the rest calls them, and waits for them.

# tweed_short_build(TARGET [HEADER...]): -O1 in release builds, which takes two thirds of -O3's time,
# and HEADERs beside the usual ones of the standard library precompiled. Every file still includes what
# it uses: the build with CMAKE_DISABLE_PRECOMPILE_HEADERS=ON, which scripts/sanitize makes, would fail.
function(tweed_short_build target)
  target_compile_options(${target} PRIVATE $<$<AND:$<CONFIG:Release>,$<COMPILE_LANGUAGE:CXX>>:-O1>)
  target_precompile_headers(${target} PRIVATE <algorithm> <cmath> <cstdint> <functional> <map> <memory>
    <optional> <string> <vector> ${ARGN})
endfunction()

# tweed_short_build_like(TARGET OTHER): the same with the headers that were precompiled for OTHER.
function(tweed_short_build_like target other)
  target_compile_options(${target} PRIVATE $<$<AND:$<CONFIG:Release>,$<COMPILE_LANGUAGE:CXX>>:-O1>)
  target_precompile_headers(${target} REUSE_FROM ${other})
endfunction()
