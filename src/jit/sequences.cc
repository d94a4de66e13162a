#include "calque/sequences.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "base/text.h"
#include "calque/error.h"
#include "ir/value_walk.h"

namespace calque::jit {

namespace {

/// Sequences that share a call, longest last.
using Group = std::vector<size_t>;

/// One sequence's part of what a call returned. `probe` is what the method returns for one sequence of
/// `probe_length` tokens alone.
class Splitter {
 public:
  Splitter(int64_t batch, int64_t longest, int64_t probe_length)
      : batch_(batch), longest_(longest), probe_length_(probe_length) {}

  IValue part(const IValue& value, const IValue* probe, int64_t row, int64_t length) const {
    if (value.isTensor()) return tensor(value.toTensor(), probe, row, length);
    const ValueWalk walk;
    if (value.isTuple()) {
      auto out = make_ref<TupleImpl>();
      out->type = value.tuple_impl()->type;
      const std::vector<IValue>& items = value.tuple_impl()->items;
      const bool same = probe != nullptr && probe->isTuple();
      out->items = parts(items, same ? &probe->tuple_impl()->items : nullptr, row, length);
      return out;
    }
    if (value.isList()) {
      auto out = make_ref<ListImpl>();
      out->element_type = value.list_impl()->element_type;
      const bool same = probe != nullptr && probe->isList();
      out->items = parts(value.list_impl()->items, same ? &probe->list_impl()->items : nullptr, row, length);
      return out;
    }
    if (!value.isGenericDict()) return value;
    auto out = make_ref<DictImpl>();
    out->key_type = value.dict_impl()->key_type;
    out->value_type = value.dict_impl()->value_type;
    for (const auto& [key, item] : value.dict_impl()->entries) {
      const bool same = probe != nullptr && probe->isGenericDict();
      out->insert_or_assign(key, part(item, same ? probe->dict_impl()->find(key) : nullptr, row, length));
    }
    return out;
  }

 private:
  std::vector<IValue> parts(const std::vector<IValue>& items, const std::vector<IValue>* probes, int64_t row,
                            int64_t length) const {
    std::vector<IValue> out;
    out.reserve(items.size());
    for (size_t i = 0; i < items.size(); ++i) {
      const bool same = probes != nullptr && i < probes->size();
      out.push_back(part(items[i], same ? &(*probes)[i] : nullptr, row, length));
    }
    return out;
  }

  IValue tensor(const Tensor& value, const IValue* probe, int64_t row, int64_t length) const {
    if (!value.defined() || value.dim() == 0 || value.size(0) != batch_) return value;
    Tensor out = value.select(0, row);
    if (probe == nullptr || !probe->isTensor()) return out;
    const Tensor one = probe->toTensor();
    if (!one.defined() || one.dim() != value.dim()) return out;
    if (one.size(0) != 1) return value;
    for (int64_t d = 0; d < out.dim(); ++d) {
      if (out.size(d) == longest_ && one.size(d + 1) == probe_length_) out = out.slice(d, 0, length);
    }
    return out;
  }

  int64_t batch_;
  int64_t longest_;
  int64_t probe_length_;
};

class SequenceRun {
 public:
  SequenceRun(const Module& module, std::span<const TokenSequence> sequences, const SequenceOptions& options)
      : method_(module.get_method(options.method)), sequences_(sequences), options_(options) {
    if (options.max_tokens < 1) {
      throw ValueError(cat("run_sequences: max_tokens is ", options.max_tokens, ", expected at least 1"));
    }
    find_arguments();
    for (size_t i = 0; i < sequences.size(); ++i) check_sequence(i);
  }

  std::vector<IValue> run() {
    std::vector<IValue> results(sequences_.size());
    for (const Group& group : groups()) {
      const int64_t longest = length_of(group.back());
      const IValue value = call(group, longest);
      const IValue* const probe = group.size() > 1 ? &probe_of(group.front()) : nullptr;
      const Splitter splitter(static_cast<int64_t>(group.size()), longest, probe_length_);
      for (size_t row = 0; row < group.size(); ++row) {
        results[group[row]] = splitter.part(value, probe, static_cast<int64_t>(row), length_of(group[row]));
      }
    }
    return results;
  }

 private:
  int64_t length_of(size_t i) const { return static_cast<int64_t>(sequences_[i].input_ids.size()); }

  void find_arguments() {
    const std::vector<std::string> names = method_.argument_names();
    const auto has = [&](const std::string& name) {
      return !name.empty() && std::find(names.begin(), names.end(), name) != names.end();
    };
    has_mask_ = has(options_.mask_argument);
    has_types_ = has(options_.types_argument);
    if (has(options_.ids_argument)) return;
    std::string known;
    for (const std::string& name : names) known += cat(known.empty() ? "" : ", ", name);
    throw ValueError(cat("run_sequences: the method '", method_.name(), "' has no argument '",
                         options_.ids_argument, "' for the token ids; it has: ", known,
                         ". Say which in SequenceOptions::ids_argument, mask_argument and types_argument"));
  }

  void check_sequence(size_t i) const {
    const TokenSequence& sequence = sequences_[i];
    if (sequence.input_ids.empty()) throw ValueError(cat("run_sequences: sequence ", i, " has no tokens"));
    if (sequence.token_type_ids.empty()) return;
    if (sequence.token_type_ids.size() != sequence.input_ids.size()) {
      throw ValueError(cat("run_sequences: sequence ", i, " has ", sequence.token_type_ids.size(),
                           " token types, expected one for each of its ", sequence.input_ids.size(),
                           " tokens"));
    }
    if (has_types_) return;
    throw ValueError(cat("run_sequences: sequence ", i, " has token types, but the method '", method_.name(),
                         "' has no argument '", options_.types_argument, "'"));
  }

  std::vector<Group> groups() const {
    Group order(sequences_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return length_of(a) < length_of(b); });
    std::vector<Group> groups;
    for (const size_t i : order) {
      if (groups.empty() || !fits(groups.back(), length_of(i))) groups.emplace_back();
      groups.back().push_back(i);
    }
    return groups;
  }

  bool fits(const Group& group, int64_t length) const {
    if (!has_mask_ && length != length_of(group.back())) return false;
    return static_cast<int64_t>(group.size()) < options_.max_tokens / length;
  }

  IValue call(const Group& group, int64_t longest) const {
    const Dims sizes = {static_cast<int64_t>(group.size()), longest};
    const Tensor ids = full(sizes, options_.pad_id, kLong);
    const Tensor mask = zeros(sizes, kLong);
    const Tensor types = zeros(sizes, kLong);
    for (size_t row = 0; row < group.size(); ++row) {
      const TokenSequence& sequence = sequences_[group[row]];
      const auto at = static_cast<int64_t>(row) * longest;
      std::ranges::copy(sequence.input_ids, ids.data_ptr<int64_t>() + at);
      std::fill_n(mask.data_ptr<int64_t>() + at, length_of(group[row]), int64_t{1});
      std::ranges::copy(sequence.token_type_ids, types.data_ptr<int64_t>() + at);
    }
    return call(ids, mask, types);
  }

  IValue call(const Tensor& ids, const Tensor& mask, const Tensor& types) const {
    Kwargs kwargs{{options_.ids_argument, ids}};
    if (has_mask_) kwargs.emplace(options_.mask_argument, mask);
    if (has_types_) kwargs.emplace(options_.types_argument, types);
    return method_({}, kwargs, options_.run);
  }

  /// What the method returns for a sequence alone: for the first that is asked for, which is the shortest of
  /// those that share calls.
  const IValue& probe_of(size_t i) {
    if (probe_) return *probe_;
    probe_length_ = length_of(i);
    return probe_.emplace(call(Group{i}, probe_length_));
  }

  Method method_;
  std::span<const TokenSequence> sequences_;
  const SequenceOptions& options_;
  bool has_mask_ = false;
  bool has_types_ = false;
  std::optional<IValue> probe_;
  int64_t probe_length_ = 0;
};

}  // namespace

std::vector<IValue> run_sequences(const Module& module, std::span<const TokenSequence> sequences,
                                  const SequenceOptions& options) {
  return SequenceRun(module, sequences, options).run();
}

}  // namespace calque::jit
