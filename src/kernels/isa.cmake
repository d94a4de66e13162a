# The files of each instruction set and how they are compiled. They are optimised in every build type: they hold
# nothing but arithmetic, and tests of unoptimised ones would take minutes.
set(families convert gelu gemm layer_norm pointwise softmax)
set(CALQUE_KERNELS_ISA)
foreach(family ${families})
  list(APPEND CALQUE_KERNELS_ISA ${family}/scalar.cc)
endforeach()
set_source_files_properties(${CALQUE_KERNELS_ISA} PROPERTIES COMPILE_OPTIONS "-O3")

list(APPEND CALQUE_KERNELS_ISA registry_generic.cc)
