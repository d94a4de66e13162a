// Lets the Python suite of tests/formats call the readers and writers: formats_tool COMMAND ARGUMENTS.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "calque/error.h"
#include "formats/archive_kind.h"
#include "formats/json.h"
#include "formats/json_writer.h"
#include "formats/npz.h"
#include "formats/pickle_reader.h"
#include "formats/pickle_writer.h"
#include "formats/safetensors.h"
#include "formats/zip_reader.h"
#include "formats/zip_writer.h"

namespace {

using namespace calque;
using Arguments = std::vector<std::string>;

void print(std::string_view text) {
  if (!text.empty()) std::fwrite(text.data(), 1, text.size(), stdout);
}

std::shared_ptr<const MappedFile> open(const std::string& path) { return MappedFile::open(path); }

void write_to(const std::string& path, std::string_view text) { write_file(path, as_bytes(text)); }

/// One JSON object for each record.
void zip_list(const Arguments& arguments) {
  const auto file = open(arguments.at(0));
  const ZipReader zip(file->bytes(), file->path());
  JsonWriter json;
  json.begin_array();
  for (const ZipEntry& entry : zip.entries()) {
    json.begin_object();
    json.key("name");
    json.string(entry.name);
    json.key("method");
    json.integer(static_cast<int64_t>(entry.method));
    json.key("size");
    json.integer(static_cast<int64_t>(entry.size));
    json.key("compressed_size");
    json.integer(static_cast<int64_t>(entry.compressed_size));
    json.key("crc");
    json.integer(entry.crc32);
    json.key("data_offset");
    json.integer(static_cast<int64_t>(entry.data_offset));
    json.end_object();
  }
  json.end_array();
  print(json.finish());
}

void zip_cat(const Arguments& arguments) {
  const auto file = open(arguments.at(0));
  const ZipReader zip(file->bytes(), file->path());
  print(zip.read(zip.at(arguments.at(1))).text());
}

void zip_kind(const Arguments& arguments) {
  const auto file = open(arguments.at(0));
  print(describe(archive_kind(ZipReader(file->bytes(), file->path()))));
}

/// Reads every record and writes it again by the same method.
void zip_copy(const Arguments& arguments) {
  const auto file = open(arguments.at(0));
  const ZipReader zip(file->bytes(), file->path());
  AtomicFile out(arguments.at(1));
  ZipWriter writer(out);
  for (const ZipEntry& entry : zip.entries()) writer.add(entry.name, zip.read(entry).bytes(), entry.method);
  writer.finish();
  out.commit();
}

/// "[kind, content...]" as JSON; shared nodes appear once, then as ["ref", number].
class PickleDump {
 public:
  std::string run(const PickleValue& value) {
    dump(value);
    return json_.finish();
  }

 private:
  void dump(const PickleValue& value) {
    json_.begin_array();
    const PickleNode* node = value.identity();
    if (node == nullptr) {
      dump_scalar(value);
    } else if (known(node)) {
      json_.string("ref");
      json_.integer(numbers_[node->number]);
    } else {
      dump_node(value);
      numbers_[node->number] = next_++;
    }
    json_.end_array();
  }

  bool known(const PickleNode* node) {
    if (numbers_.size() <= node->number) numbers_.resize(node->number + 1, -1);
    return numbers_[node->number] >= 0;
  }

  void dump_scalar(const PickleValue& value) {
    json_.string(pickle_kind_name(value.kind()));
    if (value.is(PickleKind::kBool)) json_.boolean(value.boolean());
    if (value.is(PickleKind::kInt)) json_.integer(value.integer());
    if (value.is(PickleKind::kDouble)) json_.real(value.real());
  }

  void dump_node(const PickleValue& value) {
    json_.string(pickle_kind_name(value.kind()));
    switch (value.kind()) {
      case PickleKind::kString:
        return json_.string(value.string());
      case PickleKind::kGlobal:
        json_.string(value.module());
        return json_.string(value.name());
      case PickleKind::kTuple:
      case PickleKind::kList:
        for (const PickleValue& item : value.items()) dump(item);
        return;
      case PickleKind::kDict:
        return dump_pairs(value);
      case PickleKind::kPersistentId:
        return dump(value.argument());
      default:
        dump(value.callable());
        dump(value.argument());
        if (value.is(PickleKind::kReduce)) dump_pairs(value);
        if (value.state() != nullptr) dump(*value.state());
    }
  }

  void dump_pairs(const PickleValue& value) {
    for (const auto& [key, mapped] : value.pairs()) {
      dump(key);
      dump(mapped);
    }
  }

  JsonWriter json_;
  std::vector<int64_t> numbers_;
  int64_t next_ = 0;
};

void pickle_dump(const Arguments& arguments) {
  const auto file = open(arguments.at(0));
  print(PickleDump().run(read_pickle(file->bytes(), file->path())));
}

void pickle_rewrite(const Arguments& arguments) {
  const auto file = open(arguments.at(0));
  write_to(arguments.at(1), write_pickle(read_pickle(file->bytes(), file->path())));
}

void safetensors_rewrite(const Arguments& arguments) {
  const auto file = open(arguments.at(0));
  const SafetensorsReader reader(file->bytes(), file->path());
  std::vector<SafetensorsItem> items;
  for (const SafetensorsTensor& tensor : reader.tensors()) {
    items.push_back({tensor.name, std::string(tensor.dtype), tensor.shape, tensor.data});
  }
  std::reverse(items.begin(), items.end());
  AtomicFile out(arguments.at(1));
  write_safetensors(out, items, reader.metadata());
  out.commit();
}

void npz_roundtrip(const Arguments& arguments) {
  const auto file = open(arguments.at(0));
  AtomicFile out(arguments.at(1));
  write_npz(out, read_npz(file->bytes(), file->path()));
  out.commit();
}

void npy_roundtrip(const Arguments& arguments) {
  const auto file = open(arguments.at(0));
  AtomicFile out(arguments.at(1));
  write_npy(out, read_npy(file->bytes(), file->path()));
  out.commit();
}

void json_rewrite(const Arguments& arguments) {
  const JsonRef root = read_json(arguments.at(0));
  write_to(arguments.at(1), to_json_text(root.json(), {.indent = std::stoi(arguments.at(2))}));
}

void check_one(std::string_view format, const MappedFile& file) {
  if (format == "zip") {
    const ZipReader zip(file.bytes(), file.path());
    for (const ZipEntry& entry : zip.entries()) zip.read(entry);
  } else if (format == "pickle") {
    read_pickle(file.bytes(), file.path());
  } else if (format == "safetensors") {
    SafetensorsReader(file.bytes(), file.path());
  } else if (format == "npz") {
    read_npz(file.bytes(), file.path());
  } else if (format == "npy") {
    read_npy(file.bytes(), file.path());
  } else if (format == "json") {
    parse_json(file.text(), file.path());
  } else {
    throw ValueError(cat("unknown format ", format));
  }
}

/// check FORMAT FILE...: a line "ok" or "refused: message" for each file.
void check_files(const Arguments& arguments) {
  for (size_t i = 1; i < arguments.size(); ++i) {
    try {
      check_one(arguments[0], *open(arguments[i]));
      print("ok\n");
    } catch (const LoadError& error) {
      print(cat("refused: ", error.msg(), "\n"));
    }
  }
}

struct Command {
  std::string_view name;
  void (*run)(const Arguments&);
};

constexpr Command kCommands[] = {
    {"check", check_files},
    {"json-rewrite", json_rewrite},
    {"npy-roundtrip", npy_roundtrip},
    {"npz-roundtrip", npz_roundtrip},
    {"pickle-dump", pickle_dump},
    {"pickle-rewrite", pickle_rewrite},
    {"safetensors-rewrite", safetensors_rewrite},
    {"zip-cat", zip_cat},
    {"zip-copy", zip_copy},
    {"zip-kind", zip_kind},
    {"zip-list", zip_list},
};

}  // namespace

int main(int count, char** values) {
  Arguments arguments(values + 1, values + count);
  try {
    for (const Command& command : kCommands) {
      if (arguments.at(0) != command.name) continue;
      arguments.erase(arguments.begin());
      command.run(arguments);
      return 0;
    }
    std::fprintf(stderr, "formats_tool: no such command\n");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "formats_tool: %s\n", error.what());
  }
  return 1;
}
