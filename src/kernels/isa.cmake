# The files of each instruction set and how they are compiled. They are optimised in every build type: they hold
# nothing but arithmetic, and unoptimised they would take minutes to test.
set(families attention convert gelu gemm gemm_int8 gemm_weights gemm_words layer_norm pointwise pooling softmax)
set(CALQUE_KERNELS_ISA)

set(isa_options -O3 -fno-math-errno)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms from within the compiler's own AVX-512 header, where the register's old content does not matter.
  list(APPEND isa_options -Wno-maybe-uninitialized -Wno-uninitialized)
endif()

function(calque_isa_files isa)
  list(TRANSFORM families APPEND /${isa}.cc OUTPUT_VARIABLE files)
  set_source_files_properties(${files} PROPERTIES COMPILE_OPTIONS "${isa_options};${ARGN}")
  set(CALQUE_KERNELS_ISA ${CALQUE_KERNELS_ISA} ${files} PARENT_SCOPE)
endfunction()

calque_isa_files(scalar)
set(CALQUE_EMULATED_MATRIX gemm_words/emulated_matrix_generic.cc)
set_source_files_properties(gemm_words/tile_emulation.cc PROPERTIES COMPILE_OPTIONS "${isa_options}")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(avx512 -mavx2 -mfma -mf16c -mbmi2 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512)
  calque_isa_files(avx2 -mavx2 -mfma -mf16c)
  calque_isa_files(avx512 ${avx512})
  # Extensions of AVX-512 that not every processor with it has.
  set(families attention gemm_words)
  calque_isa_files(avx512bf16 ${avx512} -mavx512bf16)
  set(families gemm_words)
  calque_isa_files(avx512vnni ${avx512} -mavx512vnni)
  calque_isa_files(amx ${avx512} -mavx512bf16 -mamx-tile -mamx-bf16 -mamx-int8)
  # For the tests: the same kernels on emulated tiles.
  set(CALQUE_EMULATED_MATRIX gemm_words/emulated_matrix_x86.cc)
  set_source_files_properties(${CALQUE_EMULATED_MATRIX} PROPERTIES COMPILE_OPTIONS "${isa_options};${avx512};-mavx512bf16")
  list(APPEND CALQUE_KERNELS_ISA registry_x86.cc)
elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64" AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Before registers are allocated, its scheduler moves loads so far ahead that sums of a full tile are spilled.
    set(neon -fno-schedule-insns)
  endif()
  calque_isa_files(neon ${neon})
  # Extensions that not every processor has.
  set(families attention gemm_words)
  calque_isa_files(neonbf16 ${neon} -march=armv8.2-a+bf16)
  set(families gemm_words)
  calque_isa_files(neondot ${neon} -march=armv8.2-a+dotprod)
  list(APPEND CALQUE_KERNELS_ISA registry_arm.cc)
else()
  list(APPEND CALQUE_KERNELS_ISA registry_generic.cc)
endif()
