// For tests of the reader: small archives built record by record.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "formats/little_endian.h"
#include "formats/zip_testing.h"
#include "torchscript/archive_reader.h"

namespace calque::torchscript::testing_support {

/// A short binary string of a pickle.
inline std::string pickled_text(const std::string& text) {
  std::string out = "X";
  append_le<uint32_t>(out, static_cast<uint32_t>(text.size()));
  return out + text;
}

inline std::string pickled_int(int64_t value) {
  if (value >= 0 && value < 256) return std::string("K") + static_cast<char>(value);
  std::string out = "\x8a\x08";
  append_le<uint64_t>(out, static_cast<uint64_t>(value));
  return out;
}

/// An archive field by field; each field may be replaced by something bad.
struct FakeArchive {
  std::string root = "archive/";
  std::string version = "10\n";
  std::string data_pickle;  ///< without PROTO and STOP
  std::string constants_pickle = ")";
  std::vector<std::pair<std::string, std::string>> sources{};  ///< `__torch__/m` -> text
  std::vector<std::pair<std::string, std::string>> records{};  ///< other records

  std::string bytes() const {
    using calque::testing_support::stored;
    std::vector<calque::testing_support::FakeRecord> all;
    all.push_back(stored(root + "data.pkl", "\x80\x02" + data_pickle + "."));
    for (const auto& [path, text] : sources) all.push_back(stored(root + "code/" + path + ".py", text));
    all.push_back(stored(root + "constants.pkl", "\x80\x02" + constants_pickle + "."));
    if (!version.empty()) all.push_back(stored(root + ".data/version", version));
    for (const auto& [name, content] : records) all.push_back(stored(root + name, content));
    return calque::testing_support::fake_zip(all);
  }
};

inline LoadedArchive load_bytes(const std::string& bytes, const jit::LoadOptions& options = {}) {
  const auto keeper = std::make_shared<const std::string>(bytes);
  return read_archive(as_bytes(*keeper), keeper, "m.pt", options);
}

/// An object of `__torch__.<name>` with attributes that are pickled already.
inline std::string pickled_object(const std::string& name,
                                  const std::vector<std::pair<std::string, std::string>>& attributes) {
  std::string out = "c__torch__\n" + name + "\n)\x81}(";
  for (const auto& [attribute, value] : attributes) out += pickled_text(attribute) + value;
  return out + "ub";
}

struct FakeTensor {
  std::string storage = "FloatStorage";
  std::string key = "0";
  std::string device = "cpu";
  std::string numel = pickled_int(4);
  std::string offset = pickled_int(0);
  std::string sizes = "(K\x04t";
  std::string strides = "(K\x01t";
  std::string hooks = "ccollections\nOrderedDict\n)R";

  std::string pickle() const {
    return "ctorch._utils\n_rebuild_tensor_v2\n((" + pickled_text("storage") + "ctorch\n" + storage + "\n" +
           pickled_text(key) + pickled_text(device) + numel + "tQ" + offset + sizes + strides + "\x89" +
           hooks + "tR";
  }
};

/// A module M with a parameter `w` and the given body of `forward(self, x: Tensor) -> Tensor`.
inline FakeArchive small_archive(const std::string& body = "  return torch.add(x, self.w)\n") {
  FakeArchive archive;
  archive.data_pickle = pickled_object("M", {{"w", FakeTensor{}.pickle()}, {"training", "\x89"}});
  archive.sources = {{"__torch__",
                      "class M(Module):\n"
                      "  __parameters__ = [\"w\", ]\n"
                      "  __buffers__ = []\n"
                      "  w : Tensor\n"
                      "  training : bool\n"
                      "  def forward(self: __torch__.M,\n"
                      "    x: Tensor) -> Tensor:\n"}};
  std::string indented;
  for (size_t at = 0; at < body.size();) {
    const size_t end = body.find('\n', at) + 1;
    indented += "  " + body.substr(at, end - at);
    at = end;
  }
  archive.sources[0].second += indented;
  archive.records = {{"data/0", std::string(16, '\0')}};
  return archive;
}

}  // namespace calque::torchscript::testing_support
