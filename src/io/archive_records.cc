// The records of an archive, by name.
#include <algorithm>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "calque/io.h"
#include "formats/zip_reader.h"

namespace calque::io {

namespace {

/// `model/` of `model/data.pkl`: the folder of the first record, which all others share.
std::string root_of(const ZipReader& zip) {
  if (zip.entries().empty()) throw LoadError(cat(quoted(zip.label()), ": the archive has no records"));
  const std::string_view first = zip.entries().front().name;
  const size_t slash = first.find('/');
  return slash == std::string_view::npos ? std::string() : std::string(first.substr(0, slash + 1));
}

}  // namespace

std::vector<Record> list_records(const std::string& path) {
  const auto file = MappedFile::open(path);
  const ZipReader zip(file->bytes(), path);
  const std::string root = root_of(zip);
  std::vector<Record> records;
  for (const ZipEntry& entry : zip.entries()) {
    if (entry.is_folder() || !entry.name.starts_with(root)) continue;
    records.push_back({std::string(entry.name.substr(root.size())), entry.size, entry.compressed_size});
  }
  return records;
}

std::string read_record(const std::string& path, const std::string& name) {
  const auto file = MappedFile::open(path);
  const ZipReader zip(file->bytes(), path);
  return std::string(zip.read(zip.at(root_of(zip) + name)).text());
}

}  // namespace calque::io
