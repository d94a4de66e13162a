#include "sequences.h"

#include <nanobind/stl/vector.h>

#include <string>
#include <utility>
#include <vector>

#include "calque/error.h"
#include "run.h"

namespace nb = nanobind;

namespace calque::python {

namespace {

std::vector<int64_t> numbers_of(nb::handle item, const char* argument) {
  const nb::object list = nb::hasattr(item, "tolist") ? item.attr("tolist")() : nb::borrow(item);
  std::vector<int64_t> numbers;
  if (nb::try_cast(list, numbers)) return numbers;
  throw TypeError(std::string("run_sequences(): ") + argument + " holds a " +
                  nb::type_name(item.type()).c_str() +
                  ", expected lists of whole numbers, one for each sequence");
}

}  // namespace

nb::list run_sequences(const jit::Module& module, nb::handle input_ids, nb::handle token_type_ids,
                       jit::SequenceOptions options, const std::optional<jit::RunOptions>& run) {
  std::vector<jit::TokenSequence> sequences;
  for (const nb::handle item : nb::iter(input_ids))
    sequences.push_back({.input_ids = numbers_of(item, "input_ids"), .token_type_ids = {}});
  if (!token_type_ids.is_none()) {
    size_t i = 0;
    for (const nb::handle item : nb::iter(token_type_ids)) {
      if (i < sequences.size()) sequences[i].token_type_ids = numbers_of(item, "token_type_ids");
      ++i;
    }
    if (i != sequences.size()) {
      throw ValueError("run_sequences(): token_type_ids has " + std::to_string(i) + " sequences, input_ids " +
                       std::to_string(sequences.size()));
    }
  }
  if (run) options.run = *run;
  return nb::list(run_until_interrupt(options.run, [&](const jit::RunOptions& limits) {
    options.run = limits;
    auto results = make_ref<TupleImpl>();
    results->items = jit::run_sequences(module, sequences, options);
    return IValue(std::move(results));
  }));
}

}  // namespace calque::python
