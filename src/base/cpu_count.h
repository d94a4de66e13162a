// How many processors this process may use.
#pragma once

#include <optional>
#include <string_view>

namespace calque {

/// Processors by affinity, lowered by the control-group quota (rounded up); at least 1.
int available_cpus();

/// The thread count to start with: CALQUE_NUM_THREADS, OMP_NUM_THREADS (its first number), else
/// available_cpus().
int default_num_threads();

/// The processors that a cgroup-v2 `cpu.max` ("200000 100000", "max 100000") grants, rounded up; nullopt: no
/// limit, or not in this form.
std::optional<int> parse_cpu_max(std::string_view text);

/// The first number of a list such as "4,2"; nullopt unless it is in 1..1024.
std::optional<int> parse_thread_count(std::string_view text);

/// What the operating system says, in cpu_count_linux.cc or cpu_count_generic.cc.
int detect_cpus();

}  // namespace calque
