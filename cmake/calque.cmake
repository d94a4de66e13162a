# Helpers of the build: one library per folder of src/, one test program per folder.

# What is off for GCC: its version 12 sees overlaps, overruns and dead pointers in strings, containers and counted references, after
# inlining, that cannot happen (GCC bugs 105651, 105329, 106199). Clang and the sanitizers look for the real ones.
set(CALQUE_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
    -Woverloaded-virtual -Wimplicit-fallthrough $<IF:$<CXX_COMPILER_ID:GNU>,-Wshadow=local,-Wshadow>
    "$<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-array-bounds;-Wno-dangling-pointer;-Wno-stringop-overflow;-Wno-use-after-free>" -Werror)

function(calque_common target)
  target_compile_options(${target} PRIVATE ${CALQUE_WARNINGS})
  if(CALQUE_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${CALQUE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${CALQUE_SANITIZE})
  endif()
endfunction()

# Files of a folder that are compiled together hide each other's names: that is no shadowing. GCC takes them for a header.
if(CMAKE_UNITY_BUILD)
  list(APPEND CALQUE_WARNINGS -Wno-shadow $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()
# libstdc++ 12 calls functions of its own that it declares deprecated.
list(APPEND CALQUE_WARNINGS $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>)

# calque_library(NAME SOURCES a.cc … DEPS base tensor … LINK ZLIB::ZLIB …)
# Makes the static library calque_NAME; DEPS are other folders, LINK are outside libraries.
function(calque_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LINK" ${ARGN})
  set(target calque_${name})
  add_library(${target} STATIC ${ARG_SOURCES})
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
                                       PRIVATE ${CMAKE_SOURCE_DIR}/src)
  foreach(dep ${ARG_DEPS})
    target_link_libraries(${target} PUBLIC calque_${dep})
  endforeach()
  target_link_libraries(${target} PRIVATE ${ARG_LINK})
  calque_common(${target})
  set_property(GLOBAL APPEND PROPERTY CALQUE_LIBRARIES ${target})
  set_property(GLOBAL APPEND PROPERTY CALQUE_LINKS ${ARG_LINK})
endfunction()

# calque_small(TARGET…): code that makes programs or talks to people, and neither loads nor computes. A release makes it small.
function(calque_small)
  foreach(target ${ARGN})
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-Os>)
  endforeach()
endfunction()

# calque_medium(TARGET…): code that loads. It has no long loops, of which -O3 would make many copies.
function(calque_medium)
  foreach(target ${ARGN})
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O2>)
  endforeach()
endfunction()

# Names of the test programs that start threads; `make tsan` runs these.
set(CALQUE_THREAD_TESTS "^(base|tensor|ops|kernels|runtime|jit|tokenizers|models)")

# calque_test(NAME SOURCES a_test.cc … DEPS base …): a GoogleTest program NAME_test, which is one ctest case.
function(calque_test name)
  if(NOT CALQUE_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LINK" ${ARGN})
  set(target ${name}_test)
  add_executable(${target} ${ARG_SOURCES})
  set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/tests)
  foreach(dep ${ARG_DEPS})
    target_link_libraries(${target} PRIVATE calque_${dep})
  endforeach()
  target_link_libraries(${target} PRIVATE GTest::gtest GTest::gmock GTest::gtest_main ${ARG_LINK})
  calque_common(${target})
  add_test(NAME ${target} COMMAND ${target} --gtest_brief=1)
  set(timeout 600)
  if(CMAKE_CROSSCOMPILING)
    set(timeout 6000)  # in emulation
  endif()
  set_tests_properties(${target} PROPERTIES TIMEOUT ${timeout} LABELS unit)
  if(name MATCHES ${CALQUE_THREAD_TESTS})
    set_tests_properties(${target} PROPERTIES LABELS "unit;threads")
    if(NOT TARGET thread_tests)
      add_custom_target(thread_tests)
    endif()
    add_dependencies(thread_tests ${target})
  endif()
endfunction()

# calque_fuzzer(NAME SOURCES a_fuzz.cc DEPS formats): a libFuzzer program NAME_fuzz (clang, CALQUE_BUILD_FUZZERS).
function(calque_fuzzer name)
  if(NOT CALQUE_BUILD_FUZZERS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LINK" ${ARGN})
  set(target ${name}_fuzz)
  add_executable(${target} ${ARG_SOURCES})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/src)
  foreach(dep ${ARG_DEPS})
    target_link_libraries(${target} PRIVATE calque_${dep})
  endforeach()
  target_link_libraries(${target} PRIVATE ${ARG_LINK})
  target_compile_options(${target} PRIVATE -fsanitize=fuzzer)
  target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  calque_common(${target})
  if(NOT TARGET fuzzers)
    add_custom_target(fuzzers)
  endif()
  add_dependencies(fuzzers ${target})
endfunction()
