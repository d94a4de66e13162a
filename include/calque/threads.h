// How many threads the library computes with.
#pragma once

namespace calque {

/// Sets the number of threads, the caller's own included, that one call into the library may use; 1 computes
/// in the calling thread alone. Waits for the work that is under way. Threads start when they are first
/// needed and sleep when idle. Throws ValueError unless 1 <= threads <= 1024, RuntimeError when called from
/// inside the library's own parallel work.
void set_num_threads(int threads);

/// The number in use: that of set_num_threads; else of the environment variable CALQUE_NUM_THREADS, else of
/// OMP_NUM_THREADS; else the processors this process may use (affinity and control-group quota).
int get_num_threads();

}  // namespace calque
