#include "base/similar.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/text.h"

namespace calque {

namespace {

constexpr size_t kCompared = 100;

/// Levenshtein's distance, by rows of its table.
size_t changes(std::string_view from, std::string_view to) {
  std::vector<size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < from.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < to.size(); ++j) {
      const size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::vector<std::string> most_similar_first(std::string_view to, std::vector<std::string> names) {
  std::vector<std::pair<size_t, std::string>> ranked;
  for (std::string& name : names) {
    const size_t distance = changes(std::string_view(name).substr(0, kCompared), to.substr(0, kCompared));
    ranked.emplace_back(distance, std::move(name));
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  names.clear();
  for (auto& [distance, name] : ranked) names.push_back(std::move(name));
  return names;
}

std::string listed(const std::vector<std::string>& names, size_t limit) {
  std::string text = join(std::span(names).first(std::min(limit, names.size())), ", ");
  if (names.size() > limit) text += cat(", … (", names.size() - limit, " more)");
  return text;
}

}  // namespace calque
