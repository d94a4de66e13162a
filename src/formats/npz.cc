#include "formats/npz.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/checked.h"
#include "base/text.h"
#include "calque/error.h"
#include "formats/little_endian.h"
#include "formats/npy_header.h"
#include "formats/sniff.h"
#include "formats/zip_reader.h"
#include "formats/zip_writer.h"

namespace calque {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kPreludeSize = 8;  // magic and version
constexpr size_t kAlignment = 64;
constexpr std::string_view kSuffix = ".npy";

struct ItemSize {
  std::string_view descr;
  uint32_t bytes;
};

constexpr ItemSize kItemSizes[] = {
    {"|b1", 1}, {"|i1", 1}, {"|u1", 1}, {"<i2", 2}, {"<u2", 2}, {"<i4", 4},
    {"<u4", 4}, {"<i8", 8}, {"<u8", 8}, {"<f2", 2}, {"<f4", 4}, {"<f8", 8},
};

[[noreturn]] void fail(const std::string& label, std::string_view what) {
  throw LoadError(cat(calque::quoted(label, 1024), " is not a usable NumPy array: ", what));
}

/// The header's text and what follows it.
std::pair<std::string_view, std::span<const std::byte>> split_header(std::span<const std::byte> file,
                                                                     const std::string& label) {
  if (!as_text(file).starts_with(kMagic) || file.size() < kPreludeSize) fail(label, describe(sniff(file)));
  const auto version = std::to_integer<unsigned>(file[kMagic.size()]);
  if (version < 1 || version > 3)
    fail(label, cat("its format version is ", version, "; 1, 2 and 3 are read."));
  const size_t length_size = version == 1 ? 2 : 4;
  file = file.subspan(kPreludeSize);
  if (file.size() < length_size) fail(label, "it is cut short.");
  const size_t length = version == 1 ? read_le<uint16_t>(file) : read_le<uint32_t>(file);
  file = file.subspan(length_size);
  if (length > file.size()) {
    fail(label, cat("its header would have ", length, " bytes, and ", file.size(), " are left."));
  }
  return {as_text(file.first(length)), file.subspan(length)};
}

uint32_t checked_item_size(const std::string& descr, const std::string& label) {
  if (const uint32_t size = npy_item_size(descr)) return size;
  if (descr.find('O') != std::string::npos) {
    fail(label,
         "it holds Python objects, which are pickled programs. Save it as numbers, or with "
         "allow_pickle=False.");
  }
  if (descr.starts_with('>')) {
    fail(label, cat("its dtype ", calque::quoted(descr),
                    " is big-endian. Save it as x.astype(x.dtype.newbyteorder('<'))."));
  }
  fail(label,
       cat("its dtype ", calque::quoted(descr), " is not read; bool, integers and float16 to float64 are."));
}

/// Column-major `data` in row-major order.
std::vector<std::byte> row_major(std::span<const std::byte> data, std::span<const int64_t> shape,
                                 size_t item_size) {
  std::vector<std::byte> out(data.size());
  std::vector<size_t> strides(shape.size());
  size_t stride = item_size;
  for (size_t d = 0; d < shape.size(); ++d) {
    strides[d] = stride;
    stride *= static_cast<size_t>(shape[d]);
  }
  std::vector<int64_t> index(shape.size(), 0);
  size_t from = 0;
  for (size_t to = 0; to < out.size(); to += item_size) {
    std::memcpy(out.data() + to, data.data() + from, item_size);
    for (size_t d = shape.size(); d-- > 0;) {
      from += strides[d];
      if (++index[d] < shape[d]) break;
      from -= strides[d] * static_cast<size_t>(shape[d]);
      index[d] = 0;
    }
  }
  return out;
}

size_t checked_data_size(const NpyArray& array) {
  const uint32_t item_size = npy_item_size(array.descr);
  if (item_size == 0)
    throw ValueError(cat("arrays of dtype ", calque::quoted(array.descr), " cannot be written"));
  const auto count = checked_numel(array.shape);
  const auto size = count ? checked_mul(static_cast<uint64_t>(*count), uint64_t{item_size}) : std::nullopt;
  if (size != array.data.size()) {
    throw ValueError(cat("array ", calque::quoted(array.name), " has ", array.data.size(),
                         " bytes, which do not agree with its dtype ", array.descr, " and shape ",
                         std::span<const int64_t>(array.shape)));
  }
  return array.data.size();
}

}  // namespace

uint32_t npy_item_size(std::string_view descr) {
  for (const ItemSize& row : kItemSizes) {
    if (row.descr == descr) return row.bytes;
  }
  return 0;
}

NpyArray read_npy(std::span<const std::byte> file, const std::string& label) {
  const auto [text, data] = split_header(file, label);
  NpyHeader header = parse_npy_header(text, label);
  const uint32_t item_size = checked_item_size(header.descr, label);
  const auto count = checked_numel(header.shape);
  const auto size = count ? checked_mul(static_cast<uint64_t>(*count), uint64_t{item_size}) : std::nullopt;
  if (size != data.size()) {
    fail(label, cat("its ", data.size(), " bytes of data do not agree with its dtype ", header.descr,
                    " and shape ", std::span<const int64_t>(header.shape), "."));
  }
  NpyArray array;
  array.data = header.fortran_order && header.shape.size() > 1
                   ? row_major(data, header.shape, item_size)
                   : std::vector<std::byte>(data.begin(), data.end());
  array.descr = std::move(header.descr);
  array.shape = std::move(header.shape);
  return array;
}

std::vector<NpyArray> read_npz(std::span<const std::byte> file, const std::string& label) {
  const ZipReader zip(file, label);
  std::vector<NpyArray> arrays;
  for (const ZipEntry& entry : zip.entries()) {
    if (&zip.at(entry.name) != &entry) continue;  // the same once more
    if (!entry.name.ends_with(kSuffix)) {
      throw LoadError(cat(calque::quoted(label, 1024), " is not a usable .npz archive: record ",
                          calque::quoted(entry.name), " is no array (.npy)."));
    }
    arrays.push_back(read_npy(zip.read(entry).bytes(), cat(label, "/", entry.name)));
    arrays.back().name = entry.name.substr(0, entry.name.size() - kSuffix.size());
  }
  return arrays;
}

namespace {

std::string npy_prelude(const NpyArray& array) {
  const std::string text =
      npy_header_text({.descr = array.descr, .fortran_order = false, .shape = array.shape});
  const size_t fixed = kPreludeSize + 2 + text.size() + 1;
  const size_t padding = kAlignment - fixed % kAlignment;
  std::string prelude(kMagic);
  prelude += '\x01';
  prelude += '\x00';
  append_le<uint16_t>(prelude, static_cast<uint16_t>(text.size() + padding + 1));
  return prelude + text + std::string(padding, ' ') + "\n";
}

}  // namespace

void write_npy(ByteSink& sink, const NpyArray& array) {
  checked_data_size(array);
  sink.write(npy_prelude(array));
  sink.write(array.data);
}

void write_npz(ByteSink& sink, std::span<const NpyArray> arrays) {
  ZipWriter zip(sink);
  for (const NpyArray& array : arrays) {
    const size_t size = checked_data_size(array);
    const std::string prelude = npy_prelude(array);
    zip.begin(cat(array.name, kSuffix), prelude.size() + size);
    zip.write(as_bytes(prelude));
    zip.write(array.data);
    zip.end();
  }
  zip.finish();
}

}  // namespace calque
