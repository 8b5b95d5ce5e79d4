# What keeps compiling short. Kernels and loops over pixels (kernels/, data/) are compiled with -O3; the
# rest calls them and waits for them.
#
# With TWEED_SHORT_BUILD=OFF every file is compiled alone and nothing is precompiled, so that one that
# does not include what it uses is found; scripts/sanitize builds so.
option(TWEED_SHORT_BUILD "Compile several small files as one, and precompile headers" ON)

# tweed_join_sources(TARGET [APART FILE...]): files are compiled by sixes, since most of a small file's
# time goes into the headers that it shares with its neighbours. FILEs, which have private names in
# common with others, are compiled alone.
function(tweed_join_sources target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" APART)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${TWEED_SHORT_BUILD} UNITY_BUILD_BATCH_SIZE 6)
  if(arg_APART)
    set_source_files_properties(${arg_APART} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endfunction()

# tweed_optimize_less(TARGET): -O1 in release builds, which takes two thirds of -O3's time.
function(tweed_optimize_less target)
  target_compile_options(${target} PRIVATE $<$<AND:$<CONFIG:Release>,$<COMPILE_LANGUAGE:CXX>>:-O1>)
endfunction()

# tweed_precompile(TARGET HEADER...): for targets of many files with the same large header.
# tweed_precompile(TARGET LIKE OTHER): those that were precompiled for OTHER.
function(tweed_precompile target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" LIKE "")
  if(NOT TWEED_SHORT_BUILD)
    return()
  endif()
  if(arg_LIKE)
    target_precompile_headers(${target} REUSE_FROM ${arg_LIKE})
  else()
    target_precompile_headers(${target} PRIVATE ${arg_UNPARSED_ARGUMENTS})
  endif()
endfunction()
