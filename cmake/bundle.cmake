# What scripts/gpu_check takes to a machine with a GPU: every test, benchmark, app and example.
#
#   cmake --build BUILD --target bundle_programs
#   cmake --install BUILD --component bundle --strip --prefix FOLDER
#
# sim_test stays: it is about the simulator, whose findings need the debug information.
set(programs)
foreach(folder apps benchmarks docs/examples tests)
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    get_target_property(excluded ${target} EXCLUDE_FROM_ALL)
    if(type STREQUAL "EXECUTABLE" AND NOT excluded AND NOT target STREQUAL "sim_test")
      list(APPEND programs ${target})
    endif()
  endforeach()
endforeach()
add_custom_target(bundle_programs DEPENDS ${programs})
install(TARGETS ${programs} COMPONENT bundle EXCLUDE_FROM_ALL DESTINATION programs)
