// Loads a TorchScript archive with libtorch, runs the cases of a safetensors file and compares the outputs.
//   libtorch_check ARCHIVE CASES.safetensors [TOLERANCE]
// CASES holds `caseI.in.J` and `caseI.out.J`; outputs are the module's, depth first, dictionaries by sorted
// key. Written for libtorch 1.13 (C++17), which stands for old programs that read our archives.

#include <torch/script.h>

#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Tensors = std::map<std::string, torch::Tensor>;

torch::ScalarType dtype_of(const std::string& name) {
  static const std::map<std::string, torch::ScalarType> kTypes = {
      {"F64", torch::kFloat64},   {"F32", torch::kFloat32}, {"F16", torch::kFloat16},
      {"BF16", torch::kBFloat16}, {"I64", torch::kInt64},   {"I32", torch::kInt32},
      {"I16", torch::kInt16},     {"I8", torch::kInt8},     {"U8", torch::kUInt8},
      {"BOOL", torch::kBool}};
  return kTypes.at(name);
}

/// Just enough of JSON for the header of a file that a test has written: names without escapes, plain
/// numbers.
class Header {
 public:
  explicit Header(std::string text) : text_(std::move(text)) {}

  std::string string() {
    skip_to('"');
    const size_t begin = at_;
    at_ = text_.find('"', at_) + 1;
    return text_.substr(begin, at_ - 1 - begin);
  }
  std::vector<int64_t> numbers() {
    skip_to('[');
    const size_t end = text_.find(']', at_);
    std::istringstream list(text_.substr(at_, end - at_));
    at_ = end + 1;
    std::vector<int64_t> out;
    for (std::string item; std::getline(list, item, ',');) out.push_back(std::stoll(item));
    return out;
  }
  bool more() const { return text_.find('"', at_) != std::string::npos; }

 private:
  void skip_to(char wanted) {
    const size_t found = text_.find(wanted, at_);
    if (found == std::string::npos)
      throw std::runtime_error("the cases file has a header that is not understood");
    at_ = found + 1;
  }

  std::string text_;
  size_t at_ = 0;
};

Tensors read_cases(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  uint64_t size = 0;
  for (int i = 7; i >= 0; --i) size = size << 8 | static_cast<unsigned char>(bytes.at(i));
  Header header(bytes.substr(8, size));
  Tensors out;
  while (header.more()) {
    const std::string name = header.string();
    if (name == "__metadata__") throw std::runtime_error("write the cases without metadata");
    torch::ScalarType dtype = torch::kFloat32;
    std::vector<int64_t> shape, offsets;
    for (int field = 0; field < 3; ++field) {
      const std::string key = header.string();
      if (key == "dtype") dtype = dtype_of(header.string());
      if (key == "shape") shape = header.numbers();
      if (key == "data_offsets") offsets = header.numbers();
    }
    const char* data = bytes.data() + 8 + size + offsets.at(0);
    out[name] = torch::from_blob(const_cast<char*>(data), shape, dtype).clone();
  }
  return out;
}

void flatten(const torch::IValue& value, std::vector<torch::Tensor>& out) {
  if (value.isTensor()) {
    out.push_back(value.toTensor());
  } else if (value.isTuple()) {
    for (const torch::IValue& item : value.toTuple()->elements()) flatten(item, out);
  } else if (value.isList()) {
    for (const torch::IValue& item : value.toListRef()) flatten(item, out);
  } else if (value.isGenericDict()) {
    std::map<std::string, torch::IValue> sorted;
    for (const auto& entry : value.toGenericDict()) sorted[entry.key().toStringRef()] = entry.value();
    for (const auto& entry : sorted) flatten(entry.second, out);
  } else {
    throw std::runtime_error("an output of type " + value.tagKind() + " is not compared");
  }
}

std::vector<torch::Tensor> numbered(const Tensors& tensors, const std::string& prefix) {
  std::vector<torch::Tensor> out;
  for (auto it = tensors.find(prefix + "0"); it != tensors.end();
       it = tensors.find(prefix + std::to_string(out.size()))) {
    out.push_back(it->second);
  }
  return out;
}

double difference(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.sizes() != b.sizes() || a.scalar_type() != b.scalar_type())
    throw std::runtime_error("an output has another shape or dtype");
  if (a.numel() == 0) return 0;
  return (a.to(torch::kFloat64) - b.to(torch::kFloat64)).abs().max().item<double>();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: libtorch_check ARCHIVE CASES.safetensors [TOLERANCE]\n";
    return 2;
  }
  try {
    const double tolerance = argc > 3 ? std::stod(argv[3]) : 1e-5;
    torch::NoGradGuard no_grad;
    torch::jit::Module module = torch::jit::load(argv[1]);
    module.eval();
    const Tensors cases = read_cases(argv[2]);
    int count = 0;
    double largest = 0;
    for (;; ++count) {
      const std::string name = "case" + std::to_string(count);
      const std::vector<torch::Tensor> expected = numbered(cases, name + ".out.");
      if (expected.empty()) break;
      std::vector<torch::IValue> inputs;
      for (const torch::Tensor& input : numbered(cases, name + ".in.")) inputs.push_back(input);
      std::vector<torch::Tensor> outputs;
      flatten(module.forward(inputs), outputs);
      if (outputs.size() != expected.size()) throw std::runtime_error(name + ": another number of outputs");
      for (size_t i = 0; i < outputs.size(); ++i)
        largest = std::max(largest, difference(outputs[i], expected[i]));
    }
    std::cout << count << " cases, largest difference " << largest << "\n";
    return count > 0 && largest <= tolerance ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "libtorch_check: " << argv[1] << ": " << error.what() << "\n";
    return 1;
  }
}
