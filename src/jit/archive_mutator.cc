#include "jit/archive_mutator.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "calque/error.h"
#include "formats/little_endian.h"
#include "formats/zip_reader.h"
#include "formats/zip_testing.h"

namespace calque::testing_support {

namespace {

using namespace std::string_view_literals;

constexpr size_t kLargestArchive = size_t{4} << 20;
constexpr size_t kGrowth = 4096;

constexpr std::string_view kVersions = "1 2 3 4 5 6 7 8 9 10 11 0 -1";

/// Whole opcodes of pickles, with arguments that fit them; none holds a space.
constexpr std::string_view kOpcodes =
    "( t ) \x85 \x86 \x87 ] } "
    "a e s u l d b R "
    "\x81 Q N \x88 \x89 K\0 K\xff M\xff\xff "
    "J\xff\xff\xff\xff \x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f \x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80 "
    "\x8a\x05\x00\x00\x00\x00\x01 G\x7f\xf0\x00\x00\x00\x00\x00\x00 q\0 h\0 h\1 "
    "q\1 X\0\0\0\0 X\1\0\0\0w ctorch._utils\n_rebuild_tensor_v2\n ctorch._utils\n_rebuild_parameter\n "
    "ctorch._utils\n_rebuild_qtensor\n ctorch\nFloatStorage\n ctorch\nLongStorage\n "
    "ctorch\nQInt8Storage\n ctorch\ndevice\n ctorch.jit._pickle\nrestore_type_tag\n "
    "ctorch.jit._pickle\nbuild_intlist\n ctorch.jit._pickle\nbuild_tensorlist\n c__torch__\nM\n "
    "c__torch__.torch.classes.quantized\nLinearPackedParamsBase\n ccollections\nOrderedDict\n "
    "cbuiltins\ncomplex\n cos\nsystem\n "sv;

constexpr std::string_view kTokens = R"(0|1|-1|2147483648|4294967297|1099511627776
9223372036854775807|1.5|inf|nan|None|True
False|""|"a"|x|self|(self).w
CONSTANTS.c0|[]|[1, 2]|[-1]|[1099511627776]|()
(x, x)|{}|torch.add(x, 1)|torch.zeros([2, 3])|torch.as_strided(x, [2], [1], 0)
torch.expand(x, [4, -1])
torch.view(x, [-1])|torch.select(x, 0, 0)|torch.slice(x, 0, 0, 2, 1)|torch.index(x, [torch.tensor([0])])
torch.gather(x, 0, torch.tensor([[0]]))|torch.cat([x, x])
torch.to(x, 4)|torch.item(x)|torch.size(x, 0)|torch.dim(x)
torch.embedding(x, torch.tensor([0]))|torch.append([x], x)
torch.sum(x, [0])|torch.matmul(x, x)|annotate(List[int], [])|unchecked_cast(Tensor, x)
uninitialized(Tensor)|ops.prim.NumToTensor(1)
ops.prim.data(x)|bool(x)|int(x)|range(3)|Tensor|int
List[int]|Optional[Tensor]|Tuple[Tensor, int]|Dict[str, Tensor]|Union[int, str]
__torch__.M|NamedTuple|Module|Enum)";

constexpr std::string_view kLines = R"(return x|return None|pass|break
continue|while True:|while bool(x):|for i in range(3):
for i in [x]:|if True:|if torch.__is__(x, None):|else:
with x:|assert True, "a"|ops.prim.RaiseException("a")|x = torch.add_(x, 1)
x, y = x, x|y = [i for i in range(3)]|y = torch.split(x, 1)|del x
import torch|class A(NamedTuple):|def f(x: Tensor) -> Tensor:
def __setstate__(self: __torch__.M, state: int) -> NoneType:
w : int|self.w = x|__parameters__ = ["w", ]|__constants__ = ["w", ])";

constexpr std::array<int64_t, 12> kIntegers = {
    0,         1,         -1,        2, 255, int64_t{1} << 31, int64_t{1} << 32, int64_t{1} << 40,
    INT64_MAX, INT64_MIN, INT32_MIN, 7};

/// The pieces of `text` between bytes of `separators`.
std::vector<std::string_view> pieces(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find_first_of(separators, at), text.size());
    if (end > at) out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

bool is_word(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/// Bytes of the opcode at the front, arguments included; what is cut short counts as far as it goes.
size_t opcode_size(std::string_view bytes) {
  const auto number = [&](size_t width) {
    uint64_t value = 0;
    for (size_t i = width; i > 0; --i)
      value = value << 8 | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u);
    return value;
  };
  const auto after_lines = [&](size_t count) {
    size_t at = 0;
    for (size_t i = 0; i < count && at != std::string_view::npos; ++i)
      at = bytes.find('\n', at == 0 ? 0 : at + 1);
    return at == std::string_view::npos ? bytes.size() : at + 1;
  };
  uint64_t size = 1;
  switch (bytes[0]) {
    case 'K':
    case 'q':
    case 'h':
    case '\x80':
      size = 2;
      break;
    case 'M':
      size = 3;
      break;
    case 'J':
    case 'r':
    case 'j':
      size = 5;
      break;
    case 'G':
      size = 9;
      break;
    case 'X':
      size = 5 + number(4);
      break;
    case 'U':
    case '\x8a':
      size = 2 + number(1);
      break;
    case 'c':
      return after_lines(2);
    default:
      break;
  }
  return std::min<uint64_t>(size, bytes.size());
}

std::string_view ending(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(dot);
}

}  // namespace

std::optional<std::vector<MutableRecord>> unpack_archive(std::span<const std::byte> bytes) {
  if (bytes.size() > kLargestArchive) return std::nullopt;
  std::vector<MutableRecord> records;
  try {
    const ZipReader zip(bytes, "", {.inflated_floor = kLargestArchive, .inflated_factor = 1});
    for (const ZipEntry& entry : zip.entries()) {
      records.push_back({std::string(entry.name), std::string(zip.read(entry).text()),
                         entry.method == ZipMethod::kDeflated});
    }
  } catch (const LoadError&) {
    return std::nullopt;
  }
  if (records.empty()) return std::nullopt;
  return records;
}

std::string pack_archive(const std::vector<MutableRecord>& records) {
  std::vector<FakeRecord> out;
  for (const MutableRecord& record : records) {
    out.push_back(record.deflate ? deflated_record(record.name, record.content)
                                 : stored(record.name, record.content));
  }
  return fake_zip(out);
}

std::string_view ArchiveMutator::word(std::string_view words, std::string_view separators) {
  const std::vector<std::string_view> all = pieces(words, separators);
  return all[below(all.size())];
}

void ArchiveMutator::mutate(std::vector<MutableRecord>& records) {
  for (size_t left = 1 + below(3); left > 0; --left) {
    if (one_in(12)) {
      record_set(records);
    } else {
      content(pick(records));
    }
  }
}

/// Pickles and sources more often than the rest.
MutableRecord& ArchiveMutator::pick(std::vector<MutableRecord>& records) {
  for (int attempt = 0; attempt < 8; ++attempt) {
    MutableRecord& record = records[below(records.size())];
    const std::string_view kind = ending(record.name);
    if (kind == ".py" || kind == ".pkl" || one_in(6)) return record;
  }
  return records[below(records.size())];
}

void ArchiveMutator::content(MutableRecord& record) {
  const std::string_view kind = ending(record.name);
  if (record.name.ends_with("version") && !one_in(4)) {
    record.content = word(kVersions, " ");
  } else if (record.name.ends_with("byteorder") && !one_in(4)) {
    record.content = one_in(2) ? "big" : "little";
  } else if (kind == ".pkl" && !one_in(4)) {
    pickle(record.content);
  } else if (kind == ".py" && !one_in(4)) {
    source(record.content);
  } else {
    mutate_bytes_(record.content, kGrowth);
  }
}

void ArchiveMutator::pickle(std::string& bytes) {
  std::vector<size_t> starts;
  for (size_t at = 0; at < bytes.size(); at += opcode_size(std::string_view(bytes).substr(at)))
    starts.push_back(at);
  if (starts.empty()) return mutate_bytes_(bytes, kGrowth);
  opcode(bytes, starts);
}

void ArchiveMutator::opcode(std::string& bytes, std::vector<size_t>& starts) {
  const size_t number = below(starts.size());
  const size_t at = starts[number];
  const size_t last = std::min(number + 1 + below(6), starts.size());
  const size_t end = last == starts.size() ? bytes.size() : starts[last];
  const size_t one = opcode_size(std::string_view(bytes).substr(at));
  switch (below(6)) {
    case 0:
      bytes.replace(at, one, word(kOpcodes, " "));
      return;
    case 1:
      bytes.insert(at, word(kOpcodes, " "));
      return;
    case 2:
      bytes.erase(at, end - at);
      return;
    case 3:
      bytes.insert(starts[below(starts.size())], bytes.substr(at, end - at));
      return;
    case 4: {
      std::string piece = bytes.substr(at, one);
      mutate_bytes_(piece, 16);
      bytes.replace(at, one, piece);
      return;
    }
    default:
      return integer(bytes, at);
  }
}

/// The first integer from `at` on becomes one of those that matter.
void ArchiveMutator::integer(std::string& bytes, size_t at) {
  for (; at < bytes.size(); at += opcode_size(std::string_view(bytes).substr(at))) {
    const char code = bytes[at];
    if (code != 'K' && code != 'M' && code != 'J' && code != '\x8a') continue;
    std::string made = "\x8a\x08";
    append_le<uint64_t>(made, static_cast<uint64_t>(kIntegers[below(kIntegers.size())]));
    bytes.replace(at, opcode_size(std::string_view(bytes).substr(at)), made);
    return;
  }
}

void ArchiveMutator::source(std::string& text) {
  if (one_in(3)) {
    lines(text);
  } else {
    token(text);
  }
}

void ArchiveMutator::token(std::string& text) {
  if (text.empty()) return;
  size_t begin = below(text.size());
  while (begin > 0 && is_word(text[begin]) && is_word(text[begin - 1])) --begin;
  size_t end = begin + 1;
  while (is_word(text[begin]) && end < text.size() && is_word(text[end])) ++end;
  switch (below(5)) {
    case 0:
      text.insert(begin, cat(word(kTokens, "|\n"), ", "));
      return;
    case 1:
      text.erase(begin, end - begin);
      return;
    case 2: {
      // A word of the same text, so that names and operators meet in new ways.
      size_t other = below(text.size());
      while (other > 0 && is_word(text[other]) && is_word(text[other - 1])) --other;
      size_t stop = other;
      while (stop < text.size() && is_word(text[stop])) ++stop;
      text.replace(begin, end - begin, text.substr(other, std::max<size_t>(stop - other, 1)));
      return;
    }
    default:
      text.replace(begin, end - begin, word(kTokens, "|\n"));
  }
}

void ArchiveMutator::lines(std::string& text) {
  std::vector<size_t> starts = {0};
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1))
    starts.push_back(at + 1);
  const size_t at = starts[below(starts.size())];
  const size_t end = std::min(text.find('\n', at), text.size() - std::min<size_t>(1, text.size())) + 1;
  const size_t length = at < text.size() ? end - at : 0;
  switch (below(3)) {
    case 0:
      text.insert(at, cat(std::string(2 * below(5), ' '), word(kLines, "|\n"), "\n"));
      return;
    case 1:
      text.erase(at, length);
      return;
    default:
      text.insert(starts[below(starts.size())], text.substr(at, length));
  }
}

void ArchiveMutator::splice(std::string& bytes, std::string_view donor) {
  const size_t from = below(donor.size());
  const std::string_view piece = donor.substr(from, 1 + below(256));
  const size_t at = below(bytes.size() + 1);
  bytes.replace(at, one_in(2) ? below(piece.size() + 1) : 0, piece);
}

void ArchiveMutator::record_set(std::vector<MutableRecord>& records) {
  const size_t at = below(records.size());
  const size_t other = below(records.size());
  switch (below(6)) {
    case 0:
      if (records.size() > 1) records.erase(records.begin() + static_cast<std::ptrdiff_t>(at));
      return;
    case 1: {
      MutableRecord copy = records[at];
      records.push_back(std::move(copy));
      return;
    }
    case 2:
      records[at].name = records[other].name;
      return;
    case 3:
      std::swap(records[at].content, records[other].content);
      return;
    case 4:
      records[at].deflate = !records[at].deflate;
      return;
    default: {
      const size_t slash = records[at].name.find('/');
      records.push_back({cat(records[at].name.substr(0, slash), one_in(2) ? "/byteorder" : "/version"),
                         one_in(2) ? "big" : "10"});
    }
  }
}

void ArchiveMutator::cross(std::vector<MutableRecord>& records, const std::vector<MutableRecord>& donor) {
  MutableRecord& target = pick(records);
  std::vector<const MutableRecord*> alike;
  for (const MutableRecord& record : donor) {
    if (ending(record.name) == ending(target.name)) alike.push_back(&record);
  }
  if (alike.empty()) return content(target);
  const MutableRecord& source = *alike[below(alike.size())];
  if (one_in(3)) {
    target.content = source.content;
  } else if (!source.content.empty()) {
    splice(target.content, source.content);
  }
}

}  // namespace calque::testing_support
