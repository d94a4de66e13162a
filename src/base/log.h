// A log for people who look inside: silent unless CALQUE_LOG names topics, for example
// CALQUE_LOG=dispatch,threads.
#pragma once

#include <string_view>

namespace calque {

/// True when CALQUE_LOG, a list of topics with commas, names `topic` or `all`. Read once per process; cheap
/// when nothing is logged. Ask before building an expensive message.
bool log_on(std::string_view topic);

/// Writes one line `calque topic: message` when log_on(topic). Threads may call at once; lines do not mix.
void log_line(std::string_view topic, std::string_view message);

/// Receives the lines instead of stderr.
using LogSink = void (*)(std::string_view topic, std::string_view message);

/// For tests: replaces the topics, in the form of CALQUE_LOG, and the sink; nullptr is stderr.
void set_log(std::string_view topics, LogSink sink);

}  // namespace calque
