// Memory that the library keeps for the next call.
#pragma once

namespace calque {

/// Gives back to the system what calls left behind for the next ones, in all threads; a call under way gives
/// its part back when it ends. Packed weights and results stay. The next calls take their memory anew and are
/// a little slower.
///
/// It need not be called: each thread forgets by itself what its last 16 calls did not use. It is for
/// programs that will not call for some time. Thread-safe.
void release_memory();

}  // namespace calque
