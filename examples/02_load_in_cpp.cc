// PyTorch's tutorial program "Loading a TorchScript Model in C++". From the libtorch version it differs in
// the include, in the namespaces and in the CMake target.
//
//   02_load_in_cpp ARCHIVE.pt
#include <calque/script.h>

#include <iostream>
#include <vector>

int main(int argc, const char* argv[]) {
  if (argc != 2) {
    std::cerr << "usage: 02_load_in_cpp <path-to-exported-script-module>\n";
    return 2;
  }

  calque::jit::script::Module module;
  try {
    module = calque::jit::load(argv[1]);
  } catch (const calque::Error& e) {
    std::cerr << "error loading the model: " << e.msg() << "\n";
    return 1;
  }
  std::cout << "ok\n";

  // One input: a batch of one image, 3 x 224 x 224.
  std::vector<calque::jit::IValue> inputs;
  inputs.push_back(calque::ones({1, 3, 224, 224}));

  calque::Tensor output = module.forward(inputs).toTensor();
  std::cout << output.slice(/*dim=*/1, /*start=*/0, /*end=*/5) << '\n';
}
