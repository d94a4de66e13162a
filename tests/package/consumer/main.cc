// A project outside the tree: tokenizes, loads and runs with the installed package only.
#include <calque/jit.h>
#include <calque/tokenizers.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto tokenizer = calque::Tokenizer::from_pretrained(argv[2]);
  const calque::Encoding encoding = tokenizer.encode("Who was Jim Henson ?");
  const calque::jit::Module model = calque::jit::load(argv[1]);
  const calque::IValue output = model.forward({calque::tensor(encoding.input_ids).unsqueeze(0),
                                               calque::tensor(encoding.attention_mask).unsqueeze(0),
                                               calque::tensor(encoding.token_type_ids).unsqueeze(0)});
  std::cout << output.toTuple()->elements()[0].toTensor().size(1) << " tokens\n";
  return 0;
}
