#include "formats/archive_kind.h"

#include "base/text.h"

namespace calque {

std::string_view archive_root(const ZipReader& archive) {
  if (archive.entries().empty()) return "";
  const std::string_view name = archive.entries()[0].name;
  const size_t slash = name.find('/');
  return slash == std::string_view::npos ? "" : name.substr(0, slash);
}

ArchiveKind archive_kind(const ZipReader& archive) {
  const std::string prefix = cat(archive_root(archive), "/");
  bool has_data = false;
  bool has_constants = false;
  bool has_arrays = false;
  for (const ZipEntry& entry : archive.entries()) {
    if (entry.name.ends_with(".npy")) has_arrays = true;
    if (!entry.name.starts_with(prefix)) continue;
    const std::string_view name = entry.name.substr(prefix.size());
    if (name == "model.json") return ArchiveKind::kLegacyTorchScript;
    if (name == "data.pkl") has_data = true;
    if (name == "constants.pkl") has_constants = true;
  }
  if (has_data) return has_constants ? ArchiveKind::kTorchScript : ArchiveKind::kTorchSave;
  return has_arrays ? ArchiveKind::kNpz : ArchiveKind::kOther;
}

std::string describe(ArchiveKind kind) {
  switch (kind) {
    case ArchiveKind::kTorchScript:
      return "It is a TorchScript archive, as torch.jit.save writes it.";
    case ArchiveKind::kTorchSave:
      return "It was written by torch.save: weights without a program. Trace the model and write it with "
             "torch.jit.save, or give its checkpoint folder with config.json and model.safetensors.";
    case ArchiveKind::kLegacyTorchScript:
      return "It is a TorchScript archive of 2019 (model.json), which PyTorch no longer reads either. Load "
             "it with "
             "PyTorch 1.2 or 1.3 and save it again.";
    case ArchiveKind::kNpz:
      return "It holds NumPy arrays (.npz).";
    case ArchiveKind::kOther:
      return "It is a ZIP archive of a kind that is not known here.";
  }
  return "";
}

}  // namespace calque
