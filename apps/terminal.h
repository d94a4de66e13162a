// What depends on whether a person is looking: progress, columns, colour.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace calque::app {

/// One line on stderr that is rewritten as the work goes on. Silent when stderr is no terminal.
class Progress {
 public:
  Progress();
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Shows `text` in place of what was shown.
  void show(const std::string& text);
  void clear();

 private:
  bool enabled_;
  bool shown_ = false;
};

/// Writes a line to stderr, where control characters of the text are shown as escapes. Says nothing when
/// stderr cannot be written.
void print_remark(const std::string& text);

/// `text` with control characters and broken UTF-8 as escapes, so that a name from a file cannot move the
/// cursor or fake a line.
std::string printable(std::string_view text, bool keep_newlines = false);

/// `text` as a heading: bold on a terminal unless NO_COLOR is set, plain elsewhere.
std::string heading(const std::string& text);

/// Rows of cells as aligned columns, two spaces apart. Columns named in `right` (by index) are set right.
std::string columns(const std::vector<std::vector<std::string>>& rows, const std::vector<size_t>& right = {});

/// `1.5 MB`: decimal units, three digits.
std::string bytes_text(double bytes);
/// `1.50 ms`: three digits.
std::string seconds_text(double seconds);
/// `1 234 567`.
std::string grouped(long long number);

}  // namespace calque::app
