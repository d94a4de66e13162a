#include "gil.h"

#include <atomic>
#include <chrono>
#include <thread>

namespace nb = nanobind;

namespace calque::python {
namespace {

std::atomic<bool> g_exiting{false};
std::atomic<int> g_waiting{0};  // threads that are about to take the GIL
std::thread::id g_last_thread;  // written before g_exiting

constexpr std::chrono::milliseconds kPause(1);

[[noreturn]] void park() {
  while (true) std::this_thread::sleep_for(std::chrono::hours(1));
}

/// Called with the GIL. Who waits for it already gets it; who comes later is parked.
void on_exit() {
  g_last_thread = std::this_thread::get_id();
  g_exiting.store(true);
  while (g_waiting.load() > 0) {
    PyThreadState* const state = PyEval_SaveThread();
    std::this_thread::sleep_for(kPause);
    PyEval_RestoreThread(state);
  }
}

/// Counts this thread among those that on_exit waits for. False when it is too late to ask for the GIL.
bool begin_to_wait() {
  ++g_waiting;
  if (!g_exiting.load() || std::this_thread::get_id() == g_last_thread) return true;
  --g_waiting;
  return false;
}

}  // namespace

WithoutGil::WithoutGil() : state_(PyEval_SaveThread()) {}

WithoutGil::~WithoutGil() {
  if (!begin_to_wait()) park();
  PyEval_RestoreThread(state_);
  --g_waiting;
}

void with_gil_unless_exiting(void (*release)(void*), void* object) {
  if (!nb::is_alive()) return;
  if (PyGILState_Check() != 0) {
    release(object);
    return;
  }
  if (!begin_to_wait()) return;
  const PyGILState_STATE state = PyGILState_Ensure();
  --g_waiting;
  release(object);
  PyGILState_Release(state);
}

void watch_exit() { nb::module_::import_("atexit").attr("register")(nb::cpp_function(on_exit)); }

}  // namespace calque::python
