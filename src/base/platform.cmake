# One file per platform for what the processor and the operating system decide.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED GLOBAL)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(CALQUE_BASE_PLATFORM cpu_x86.cc)
else()
  set(CALQUE_BASE_PLATFORM cpu_generic.cc)
endif()
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  list(APPEND CALQUE_BASE_PLATFORM cpu_count_linux.cc page_out_linux.cc unnamed_file_linux.cc)
else()
  list(APPEND CALQUE_BASE_PLATFORM cpu_count_generic.cc page_out_generic.cc unnamed_file_generic.cc)
endif()
