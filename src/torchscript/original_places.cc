#include "torchscript/original_places.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/text.h"
#include "calque/error.h"

namespace calque::torchscript {

namespace {

constexpr std::string_view kFormat = "FORMAT_WITH_STRING_TABLE";
constexpr int64_t kMaxLine = 100'000'000;
/// Characters of sources that are looked through for one record: a hostile record may name a long source any
/// number of times. Places beyond that are unknown.
constexpr int64_t kMostCharacters = int64_t{1} << 30;

bool is_sequence(const PickleValue& value, size_t at_least) {
  return (value.is(PickleKind::kTuple) || value.is(PickleKind::kList)) && value.items().size() >= at_least;
}

/// Reads the ranges of one record. Sources are shared by many ranges, so each is looked at once.
class PlaceReader {
 public:
  explicit PlaceReader(const PickleValue& strings) : strings_(strings) {}

  /// The place of a range (source, start, end); no file when it says none.
  OriginalPlaces::Place place(const PickleValue& range) {
    if (!is_sequence(range, 2) || !is_sequence(range.items()[0], 3) || !range.items()[1].is(PickleKind::kInt))
      return {};
    const PickleValue& source = range.items()[0];
    const auto key = std::pair(source.identity(), range.items()[1].integer());
    const auto known = places_.find(key);
    if (known != places_.end()) return known->second;
    return places_.emplace(key, in_source(source, range.items()[1].integer())).first->second;
  }

 private:
  std::string_view string_at(const PickleValue& index) const {
    if (!index.is(PickleKind::kInt) || index.integer() < 0) return {};
    const auto at = static_cast<size_t>(index.integer());
    if (at >= strings_.items().size() || !strings_.items()[at].is(PickleKind::kString)) return {};
    return strings_.items()[at].string();
  }

  OriginalPlaces::Place in_source(const PickleValue& source, int64_t start) {
    const PickleValue& pieces = source.items()[0];
    if (!is_sequence(pieces, 1) || !source.items()[2].is(PickleKind::kInt) || start < 0) return {};
    const int64_t first_line = source.items()[2].integer();
    if (first_line < 0 || first_line > kMaxLine) return {};
    const std::string_view file = string_at(source.items()[1]);
    // A trace has its call stack as the source: `path(line): function`, innermost first.
    if (file.empty()) return from_call_stack(string_at(pieces.items()[0]));
    int64_t lines = 0;
    int64_t length = 0;
    for (const PickleValue& piece : pieces.items()) {
      const std::string_view text = string_at(piece);
      const int64_t inside = std::clamp<int64_t>(start - length, 0, static_cast<int64_t>(text.size()));
      lines += std::count(text.begin(), text.begin() + inside, '\n');
      length += static_cast<int64_t>(text.size());
      seen_ += inside + 1;
      if (seen_ > kMostCharacters) return {};
      if (length > start) break;
    }
    return make(file, first_line + lines);
  }

  OriginalPlaces::Place from_call_stack(std::string_view line) {
    const size_t open = line.find('(');
    const size_t close = line.find("):", open == std::string_view::npos ? 0 : open);
    if (open == std::string_view::npos || close == std::string_view::npos) return {};
    int64_t number = 0;
    const auto parsed = std::from_chars(line.data() + open + 1, line.data() + close, number);
    if (parsed.ptr != line.data() + close) return {};
    return make(line.substr(0, open), number);
  }

  OriginalPlaces::Place make(std::string_view file, int64_t line) {
    if (line < 1 || line > kMaxLine) return {};
    auto& shared = files_[std::string(file)];
    if (shared == nullptr) shared = std::make_shared<const std::string>(file);
    return {.file = shared, .line = static_cast<int>(line)};
  }

  const PickleValue& strings_;
  int64_t seen_ = 0;
  std::map<std::pair<const PickleNode*, int64_t>, OriginalPlaces::Place> places_;
  std::map<std::string, std::shared_ptr<const std::string>> files_;
};

std::vector<uint64_t> line_starts(std::string_view text) {
  std::vector<uint64_t> starts = {0};
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') starts.push_back(i + 1);
  }
  return starts;
}

}  // namespace

std::shared_ptr<const OriginalPlaces> OriginalPlaces::read(const PickleValue& pickle, std::string_view text) {
  const bool known = is_sequence(pickle, 3) && pickle.items()[0].is(PickleKind::kString) &&
                     pickle.items()[0].string() == kFormat && is_sequence(pickle.items()[1], 0) &&
                     is_sequence(pickle.items()[2], 1);
  if (!known) return nullptr;
  auto out = std::make_shared<OriginalPlaces>();
  PlaceReader reader(pickle.items()[1]);
  for (const PickleValue& record : pickle.items()[2].items()) {
    if (!is_sequence(record, 2) || !record.items()[0].is(PickleKind::kInt) || record.items()[0].integer() < 0)
      continue;
    out->entries_.push_back({.offset = static_cast<uint64_t>(record.items()[0].integer()),
                             .place = reader.place(record.items()[1])});
  }
  std::stable_sort(out->entries_.begin(), out->entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.offset < b.offset; });
  out->line_starts_ = line_starts(text);
  return out;
}

std::shared_ptr<const OriginalPlaces> OriginalPlaces::of_parts(std::span<const jit::SourcePart> parts,
                                                               std::string_view text) {
  auto out = std::make_shared<OriginalPlaces>();
  out->line_starts_ = line_starts(text);
  size_t at = 1;
  for (size_t i = 0; i < parts.size(); ++i) {
    const jit::SourcePart& part = parts[i];
    if (part.first_line < 1 || static_cast<size_t>(part.first_line) < at) {
      throw ValueError("SourcePart::first_line: the parts of a source stand in order, from line 1");
    }
    at = static_cast<size_t>(part.first_line);
    const size_t end = i + 1 < parts.size() ? static_cast<size_t>(std::max(parts[i + 1].first_line, 1))
                                            : out->line_starts_.size() + 1;
    const auto file = std::make_shared<const std::string>(part.file);
    for (size_t line = at; line < std::min(end, out->line_starts_.size() + 1); ++line) {
      const int number = part.line + static_cast<int>(line - at);
      out->entries_.push_back({.offset = out->line_starts_[line - 1],
                               .place = {.file = file, .line = number, .cut = part.columns}});
    }
  }
  return out;
}

std::optional<OriginalPlaces::Place> OriginalPlaces::find(uint32_t line, uint32_t column) const {
  if (line == 0 || line > line_starts_.size() || column == 0) return std::nullopt;
  const uint64_t offset = line_starts_[line - 1] + column - 1;
  auto entry =
      std::upper_bound(entries_.begin(), entries_.end(), offset,
                       [](uint64_t wanted, const Entry& candidate) { return wanted < candidate.offset; });
  if (entry == entries_.begin()) return std::nullopt;
  --entry;
  if (entry->place.file == nullptr) return std::nullopt;
  return entry->place;
}

}  // namespace calque::torchscript
