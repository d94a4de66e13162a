#include "formats/sniff.h"

#include <algorithm>
#include <string_view>

#include "base/file.h"

namespace calque {

namespace {

using namespace std::string_view_literals;

struct Magic {
  size_t offset;
  std::string_view bytes;
  FileKind kind;
};

constexpr Magic kMagics[] = {
    {0, "PK\x03\x04"sv, FileKind::kZip},
    {0, "PK\x05\x06"sv, FileKind::kZip},
    {0, "PK\x06\x06"sv, FileKind::kZip},
    {0, "PYTORCH1"sv, FileKind::kPytorch1},
    {0, "\x89HDF\r\n\x1a\n"sv, FileKind::kHdf5},
    {8, "{\""sv, FileKind::kSafetensors},
    {8, "{}"sv, FileKind::kSafetensors},
    {0, "GGUF"sv, FileKind::kGguf},
    {0, "\x93NUMPY"sv, FileKind::kNpy},
    {0, "version https://git-lfs"sv, FileKind::kGitLfsPointer},
    {0, "7z\xbc\xaf\x27\x1c"sv, FileKind::kSevenZip},
    {257, "ustar"sv, FileKind::kTar},
    {0, "\x1f\x8b"sv, FileKind::kGzip},
    {0, "BZh"sv, FileKind::kBzip2},
    {0, "\xfd\x37zXZ\0"sv, FileKind::kXz},
    {0, "\x28\xb5\x2f\xfd"sv, FileKind::kZstd},
    {4, "PTMF"sv, FileKind::kFlatbufferModule},
};

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return text.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), text.begin(),
                                                    [&](char a, char b) { return a == lower(b); });
}

/// PROTO with a protocol that exists.
bool is_pickle(std::string_view head) {
  return head.size() >= 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5;
}

}  // namespace

FileKind sniff(std::span<const std::byte> bytes) {
  const std::string_view head = as_text(bytes.first(std::min<size_t>(bytes.size(), 512)));
  if (head.empty()) return FileKind::kEmpty;
  for (const Magic& magic : kMagics) {
    if (head.size() >= magic.offset && head.substr(magic.offset).starts_with(magic.bytes)) return magic.kind;
  }
  if (is_pickle(head)) return FileKind::kPickle;
  const size_t first = head.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return FileKind::kUnknown;
  const std::string_view text = head.substr(first);
  if (starts_with_ignoring_case(text, "<!doctype html") || starts_with_ignoring_case(text, "<html")) {
    return FileKind::kHtml;
  }
  if (text[0] == '{' || text[0] == '[') return FileKind::kJson;
  return FileKind::kUnknown;
}

std::string describe(FileKind kind) {
  switch (kind) {
    case FileKind::kEmpty:
      return "It is empty (0 bytes); it may be an unfinished copy or download.";
    case FileKind::kZip:
      return "It is a ZIP archive, as torch.jit.save, torch.save and numpy.savez write them.";
    case FileKind::kPickle:
      return "It is a Python pickle, as torch.save wrote before PyTorch 1.6, and pickles are programs. Load "
             "it in "
             "PyTorch and save the weights as safetensors, or the traced module with torch.jit.save.";
    case FileKind::kPytorch1:
      return "It is a PyTorch container of before 1.0. Load it with the PyTorch that wrote it and save it "
             "again.";
    case FileKind::kHdf5:
      return "It is an HDF5 file, as Keras writes for TensorFlow checkpoints (tf_model.h5).";
    case FileKind::kSafetensors:
      return "It is a safetensors file: weights without a program. Give the folder that holds it and its "
             "config.json "
             "as a checkpoint.";
    case FileKind::kGguf:
      return "It is a GGUF file of llama.cpp. Use the model's safetensors checkpoint.";
    case FileKind::kNpy:
      return "It is a NumPy array (.npy).";
    case FileKind::kJson:
      return "It looks like JSON text.";
    case FileKind::kGitLfsPointer:
      return "It is a Git LFS pointer: the repository was cloned without its large files. Run `git lfs pull` "
             "there.";
    case FileKind::kHtml:
      return "It is a web page, probably an error page that was saved in place of a download.";
    case FileKind::kSevenZip:
      return "It is a 7z archive. Unpack it first.";
    case FileKind::kTar:
      return "It is a tar archive, as torch.save wrote in 2017 or as models are shipped in. Unpack it first.";
    case FileKind::kGzip:
    case FileKind::kBzip2:
    case FileKind::kXz:
    case FileKind::kZstd:
      return "It is compressed (gzip, bzip2, xz or zstd). Decompress it first.";
    case FileKind::kFlatbufferModule:
      return "It is a mobile module in FlatBuffer form (.ptl). Save the module with torch.jit.save instead.";
    case FileKind::kUnknown:
      return "Its first bytes belong to no format that is known here.";
  }
  return "";
}

}  // namespace calque
