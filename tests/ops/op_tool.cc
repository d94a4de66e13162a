// Runs operators for the Python tests: `op_tool` answers requests on stdin (wire.h) until it ends; `op_tool
// --list` prints every schema, overloads in the order of resolution.
#include <cstdio>
#include <iostream>
#include <memory>
#include <set>

#include "calque/error.h"
#include "ops/operator.h"
#include "ops/wire.h"
#include "tensor/budget.h"

namespace calque::optool {
namespace {

void list_operators() {
  std::set<std::string> seen;
  for (const Operator* op : all_operators()) {
    if (!seen.insert(op->name()).second) continue;
    for (const Operator* overload : find_operators(op->name())) {
      std::string line = overload->schema().str();
      for (char& c : line) c = c < ' ' ? '?' : c;
      std::cout << line << "\n";
    }
  }
}

template <class E>
void put_error(Writer& out, const char* kind, const E& e) {
  out.put(uint8_t{1});
  out.text(kind);
  out.text(e.what());
}

void run(const std::string& name, std::vector<IValue> arguments, Writer& out) {
  const Operator* op = find_operator(name);
  if (op == nullptr) throw NotImplementedError("no operator " + name);
  const std::vector<IValue> results = call_operator(*op, arguments);
  out.put(uint8_t{0});
  out.values(results);
  out.values(arguments);
}

std::string answer(Reader& in) {
  const std::string name = in.text();
  in.read_tensors();
  const std::vector<IValue> arguments = in.values();
  Writer out(in);
  // What an operator may allocate here: a test never needs more.
  const ScopedMemoryBudget budget(std::make_shared<MemoryBudget>(int64_t{1} << 28));
  try {
    run(name, arguments, out);
  } catch (const NotImplementedError& e) {
    put_error(out, "NotImplementedError", e);
  } catch (const RuntimeError& e) {
    put_error(out, "RuntimeError", e);
  } catch (const IndexError& e) {
    put_error(out, "IndexError", e);
  } catch (const ValueError& e) {
    put_error(out, "ValueError", e);
  } catch (const TypeError& e) {
    put_error(out, "TypeError", e);
  } catch (const LimitError& e) {
    put_error(out, "LimitError", e);
  } catch (const std::exception& e) {
    put_error(out, "InternalError", e);
  }
  return out.finish();
}

void serve() {
  std::ios::sync_with_stdio(false);
  Reader in(std::cin);
  while (!in.at_end()) {
    const std::string response = answer(in);
    const auto size = static_cast<uint64_t>(response.size());
    std::cout.write(reinterpret_cast<const char*>(&size), sizeof size);
    std::cout.write(response.data(), static_cast<std::streamsize>(response.size()));
    std::cout.flush();
  }
}

}  // namespace
}  // namespace calque::optool

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "--list") {
    calque::optool::list_operators();
  } else {
    calque::optool::serve();
  }
  return 0;
}
