# tweed_emulate_test(NAME FILE...): with TWEED_EMULATE, a test program that asks which devices to test
# runs on the emulated GPU as well, as NAME_cuda. The target `emulated` builds all of these.
function(tweed_emulate_test name)
  if(NOT TWEED_EMULATE)
    return()
  endif()
  set(asks OFF)
  foreach(file ${ARGN})
    file(STRINGS ${file} lines REGEX "test_devices\\(\\)" LIMIT_COUNT 1)
    if(lines)
      set(asks ON)
    endif()
  endforeach()
  if(NOT asks)
    return()
  endif()
  add_test(NAME ${name}_cuda COMMAND ${name} --device cuda)
  # One core each: they run beside each other.
  set_tests_properties(${name}_cuda PROPERTIES LABELS emulated
    ENVIRONMENT "OMP_WAIT_POLICY=passive;EMULATOR_THREADS=1")
  if(NOT TARGET emulated)
    add_custom_target(emulated)
  endif()
  add_dependencies(emulated ${name})
endfunction()

# tweed_emulate_also(SUFFIX DEVICE VARIABLE NAME...): these run on the emulated GPU once more, as
# NAME_cuda_SUFFIX, with a variable of the environment (emulator/README.md).
function(tweed_emulate_also suffix device variable)
  if(NOT TWEED_EMULATE)
    return()
  endif()
  foreach(name ${ARGN})
    add_test(NAME ${name}_cuda_${suffix} COMMAND ${name} --device ${device})
    set_tests_properties(${name}_cuda_${suffix} PROPERTIES LABELS emulated
      ENVIRONMENT "OMP_WAIT_POLICY=passive;EMULATOR_THREADS=1;${variable}")
  endforeach()
endfunction()

# tweed_emulate_hopper(NAME): the same again on an emulated GPU of compute capability 9.0, as
# NAME_hopper, for programs that test what only such a GPU has.
function(tweed_emulate_hopper name)
  if(TWEED_EMULATE)
    add_test(NAME ${name}_hopper COMMAND ${name} --device cuda)
    set_tests_properties(${name}_hopper PROPERTIES LABELS emulated
      ENVIRONMENT "OMP_WAIT_POLICY=passive;EMULATOR_THREADS=1;EMULATOR_ARCH=90")
  endif()
endfunction()
