# cmake --install: two components, both by default.
#
#   library   headers, libraries, and the package that find_package(tweed) finds
#   apps      the programs; they need none of the above
include(GNUInstallDirs)
set(folders_with_headers kernels tensor autograd distributed data nn optim explain attacks train record)
install(DIRECTORY ${folders_with_headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tweed
  COMPONENT library FILES_MATCHING PATTERN "*.h"
  # These want the headers of MPI and NCCL, and are nobody else's.
  REGEX "distributed/(engines|heartbeat|nccl)\\.h$" EXCLUDE)
install(FILES tweed.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tweed COMPONENT library)
# Of the apps one function is for other programs: train_main().
install(FILES apps/train_main.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tweed/apps COMPONENT library)
set_target_properties(tweed_apps PROPERTIES EXPORT_NAME apps)
install(TARGETS tweed tweed_options tweed_cpu_flags tweed_sim_flags tweed_apps ${folders}
  EXPORT tweed_targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/tweed)
install(EXPORT tweed_targets NAMESPACE tweed:: DESTINATION ${package} COMPONENT library)
include(CMakePackageConfigHelpers)
configure_package_config_file(cmake/tweed-config.cmake.in ${CMAKE_BINARY_DIR}/tweed-config.cmake
  INSTALL_DESTINATION ${package})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/tweed-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/tweed-config.cmake ${CMAKE_BINARY_DIR}/tweed-config-version.cmake
  cmake/kernels.cmake DESTINATION ${package} COMPONENT library)
install(TARGETS classify compare evaluate export_weights features fool inspect train_miniplaces saliency_maps pgd_attack sweep
  vanishing_gradients
  DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT apps)
if(TWEED_NATIVE)
  install(CODE [[message(STATUS "These kernels are compiled for this very processor; for others, configure with -DTWEED_NATIVE=OFF")]])
endif()
