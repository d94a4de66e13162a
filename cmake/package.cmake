# The library as its users see it: calque::calque, all folders in one archive, the headers of include/ and nothing else.

add_library(calque STATIC)
add_library(calque::calque ALIAS calque)
get_property(parts GLOBAL PROPERTY CALQUE_LIBRARIES)
foreach(part ${parts})
  target_sources(calque PRIVATE $<TARGET_OBJECTS:${part}>)
endforeach()
get_property(links GLOBAL PROPERTY CALQUE_LINKS)
list(REMOVE_DUPLICATES links)
target_link_libraries(calque PRIVATE ${links})
target_include_directories(calque PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
                                         $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(calque PUBLIC cxx_std_20)
set_target_properties(calque PROPERTIES LINKER_LANGUAGE CXX)
if(CALQUE_SANITIZE)
  target_link_options(calque PUBLIC -fsanitize=${CALQUE_SANITIZE})
endif()

include(CMakePackageConfigHelpers)
set(config_folder ${CMAKE_INSTALL_LIBDIR}/cmake/calque)
configure_package_config_file(cmake/calque-config.cmake.in ${CMAKE_BINARY_DIR}/calque-config.cmake
                              INSTALL_DESTINATION ${config_folder})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/calque-config-version.cmake COMPATIBILITY SameMinorVersion)
install(TARGETS calque EXPORT calque-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT calque-targets NAMESPACE calque:: DESTINATION ${config_folder})
install(FILES ${CMAKE_BINARY_DIR}/calque-config.cmake ${CMAKE_BINARY_DIR}/calque-config-version.cmake
        DESTINATION ${config_folder})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/calque DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
