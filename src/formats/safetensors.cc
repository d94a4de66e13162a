#include "formats/safetensors.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "base/checked.h"
#include "base/text.h"
#include "calque/error.h"
#include "formats/json.h"
#include "formats/little_endian.h"
#include "formats/safetensors_dtype.h"
#include "formats/sniff.h"

namespace calque {

namespace {

constexpr size_t kLengthSize = 8;
constexpr uint64_t kLargestHeader = 100'000'000;
/// The reference's JSON parser stops at 128 levels.
constexpr JsonOptions kHeaderOptions{.max_depth = 127, .refuse_duplicate_keys = true};

class HeaderParser {
 public:
  HeaderParser(std::span<const std::byte> file, const std::string& label) : file_(file), label_(label) {}

  void parse(std::vector<SafetensorsTensor>& tensors, SafetensorsMetadata& metadata) {
    const std::string_view header = header_text();
    data_start_ = kLengthSize + header.size();
    const JsonRef root = parse_json(header, cat(label_, ", header"), kHeaderOptions);
    for (const JsonMember& member : root.as_object()) {
      if (member.key == kSafetensorsMetadataKey) {
        metadata = read_metadata(root);
      } else {
        tensors.push_back(read_tensor(root, member));
      }
    }
    check_cover(tensors);
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw LoadError(cat(quoted(label_, 1024), " is not a usable safetensors file: ", what));
  }

  std::string_view header_text() const {
    if (file_.size() < kLengthSize) fail(cat("it has ", file_.size(), " bytes. ", describe(sniff(file_))));
    const auto length = read_le<uint64_t>(file_);
    const FileKind kind = sniff(file_);
    const bool other_kind = kind != FileKind::kSafetensors && kind != FileKind::kUnknown;
    const std::string hint = other_kind ? cat(" ", describe(kind)) : "";
    if (length > kLargestHeader)
      fail(cat("its header would have ", length, " bytes; 100 MB are the most.", hint));
    if (length > file_.size() - kLengthSize) {
      fail(cat("its header would have ", length, " bytes, and the file has ", file_.size(),
               "; it is cut short or of another kind.", hint));
    }
    std::string_view text = as_text(file_.subspan(kLengthSize, length));
    if (!text.starts_with('{')) fail("its header does not begin with '{'.");
    const size_t end = text.find_last_not_of(' ');
    if (text[end] != '}') fail("its header does not end with '}' and spaces.");
    return text;
  }

  static SafetensorsMetadata read_metadata(const JsonRef& root) {
    SafetensorsMetadata metadata;
    const auto object = root.find(kSafetensorsMetadataKey);
    if (!object) return metadata;
    for (const JsonMember& member : object->as_object()) {
      const JsonRef value(root.document(), &member.value, cat(kSafetensorsMetadataKey, ".", member.key));
      metadata.emplace_back(member.key, value.as_string());
    }
    return metadata;
  }

  SafetensorsTensor read_tensor(const JsonRef& root, const JsonMember& member) const {
    const JsonRef info(root.document(), &member.value, member.key);
    SafetensorsTensor tensor;
    tensor.name = member.key;
    const JsonRef dtype_name = info.get("dtype");
    const SafetensorsDtype* dtype = find_safetensors_dtype(dtype_name.as_string());
    if (dtype == nullptr) {
      dtype_name.fail(cat("is ", quoted(dtype_name.as_string()), ", which is no safetensors dtype."));
    }
    tensor.dtype = dtype->name;
    tensor.shape = read_sizes(info.get("shape"));
    const JsonRef offsets = info.get("data_offsets");
    const std::vector<int64_t> range = read_sizes(offsets);
    if (range.size() != 2 || range[0] > range[1]) offsets.fail("is no pair of begin and end.");
    const auto length = static_cast<uint64_t>(range[1] - range[0]);
    if (safetensors_data_size(*dtype, tensor.shape) != length) {
      info.fail(cat("has ", length, " bytes of data, which do not agree with its dtype ", dtype->name,
                    " and shape ", std::span<const int64_t>(tensor.shape), "."));
    }
    const auto begin = static_cast<uint64_t>(range[0]);
    if (!range_fits(begin, length, file_.size() - data_start_)) {
      info.fail(cat("has data up to byte ", range[1], ", and the file holds ", file_.size() - data_start_,
                    "; it is cut short. Get it again."));
    }
    tensor.offset = data_start_ + begin;
    tensor.data = file_.subspan(tensor.offset, length);
    return tensor;
  }

  static std::vector<int64_t> read_sizes(const JsonRef& list) {
    std::vector<int64_t> sizes;
    sizes.reserve(list.size());
    for (size_t i = 0; i < list.size(); ++i) {
      const Json& element = list.as_array()[i];
      const int64_t size = element.is(Json::Kind::kInt) ? element.integer() : list.at(i).as_int();
      if (size < 0) list.at(i).fail(cat("is ", size, ", below zero."));
      sizes.push_back(size);
    }
    return sizes;
  }

  /// Sorts by position and requires that the data follow each other from the first byte to the last.
  void check_cover(std::vector<SafetensorsTensor>& tensors) const {
    std::sort(tensors.begin(), tensors.end(), [](const SafetensorsTensor& a, const SafetensorsTensor& b) {
      return std::tuple(a.offset, a.data.size(), std::string_view(a.name)) <
             std::tuple(b.offset, b.data.size(), std::string_view(b.name));
    });
    uint64_t end = data_start_;
    for (const SafetensorsTensor& tensor : tensors) {
      if (tensor.offset != end) {
        fail(cat("the data of ", quoted(tensor.name), " begin at byte ", tensor.offset - data_start_,
                 ", where those before it end at ", end - data_start_,
                 "; holes and overlaps are not allowed."));
      }
      end += tensor.data.size();
    }
    if (end != file_.size()) {
      fail(cat("its tensors end at byte ", end, ", and the file at ", file_.size(), "."));
    }
  }

  std::span<const std::byte> file_;
  const std::string& label_;
  uint64_t data_start_ = 0;
};

}  // namespace

SafetensorsReader::SafetensorsReader(std::span<const std::byte> file, std::string label)
    : label_(std::move(label)) {
  HeaderParser(file, label_).parse(tensors_, metadata_);
  by_name_.resize(tensors_.size());
  std::iota(by_name_.begin(), by_name_.end(), 0u);
  std::sort(by_name_.begin(), by_name_.end(),
            [&](uint32_t a, uint32_t b) { return tensors_[a].name < tensors_[b].name; });
}

const SafetensorsTensor* SafetensorsReader::find(std::string_view name) const {
  const auto found = std::lower_bound(
      by_name_.begin(), by_name_.end(), name,
      [&](uint32_t index, std::string_view wanted) { return tensors_[index].name < wanted; });
  return found != by_name_.end() && tensors_[*found].name == name ? &tensors_[*found] : nullptr;
}

const SafetensorsTensor& SafetensorsReader::at(std::string_view name) const {
  if (const SafetensorsTensor* tensor = find(name)) return *tensor;
  throw LoadError(
      cat(quoted(label_, 1024), ": there is no tensor ", quoted(name), " among its ", tensors_.size(), "."));
}

}  // namespace calque
