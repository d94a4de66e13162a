// Names that every program may use: casts, len and its like, loops over range, zip and enumerate.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "torchscript/operator_match.h"
#include "torchscript/sugared_names.h"

namespace calque::torchscript {

namespace {

/// `int(x)` and its like.
class CastValue final : public SugaredValue {
 public:
  CastValue(std::string_view name, TypePtr type, std::string_view builtin)
      : name_(name), type_(std::move(type)), builtin_(builtin) {}
  std::string describe() const override { return cat("type ", name_); }

  Sugared call(Emitter& emitter, Position where, const Arguments& arguments) override {
    if (arguments.positional.size() == 1 && arguments.keywords.empty()) {
      Value* value = arguments.positional[0];
      if (is_subtype(*value->type, *type_)) return simple(value);
      if (value->type->kind() == TypeKind::Class) {
        return method_value(value, cat("__", name_, "__"))->call(emitter, where, {});
      }
    }
    return pack(call_builtin(emitter, where, builtin_, arguments, nullptr));
  }

 private:
  const std::string name_;
  const TypePtr type_;
  const std::string builtin_;
};

/// `len(x)` and its like: a method `__len__` when x is an object, else the operator.
class MagicValue final : public SugaredValue {
 public:
  MagicValue(std::string_view name, std::string_view builtin) : name_(name), builtin_(builtin) {}
  std::string describe() const override { return cat("builtin ", name_); }

  Sugared call(Emitter& emitter, Position where, const Arguments& arguments) override {
    if (!arguments.positional.empty() && arguments.positional[0]->type->kind() == TypeKind::Class) {
      const Arguments rest{.positional = {arguments.positional.begin() + 1, arguments.positional.end()},
                           .keywords = arguments.keywords};
      return method_value(arguments.positional[0], cat("__", name_, "__"))->call(emitter, where, rest);
    }
    if (name_ == "len" && arguments.positional.size() == 1 &&
        arguments.positional[0]->type->kind() == TypeKind::Tuple) {
      return simple(
          emitter.constant(where, static_cast<int64_t>(arguments.positional[0]->type->contained().size())));
    }
    return pack(call_builtin(emitter, where, builtin_, arguments, nullptr));
  }

 private:
  const std::string name_;
  const std::string builtin_;
};

class RangeValue final : public SugaredValue {
 public:
  RangeValue(Emitter& emitter, Position where, const std::vector<Value*>& bounds) {
    if (bounds.empty() || bounds.size() > 3) emitter.fail(where, "range takes one to three ints");
    std::vector<Value*> ints;
    for (Value* bound : bounds) ints.push_back(emitter.convert_to(where, int_type(), bound, "range"));
    if (ints.size() == 1) {
      length_ = ints[0];
      return;
    }
    start_ = ints[0];
    step_ = ints.size() == 3 ? ints[2] : emitter.constant(where, int64_t{1});
    length_ = emitter.builtin(where, "aten::__range_length", {start_, ints[1], step_});
  }

  std::string describe() const override { return "range"; }
  Value* length(Emitter&, Position) override { return length_; }
  Sugared iterable(Emitter&, Position) override { return shared_from_this(); }

  Sugared element(Emitter& emitter, Position where, Value* index) override {
    if (start_ == nullptr) return simple(index);
    return simple(emitter.builtin(where, "aten::__derive_index", {index, start_, step_}));
  }

 private:
  Value* start_ = nullptr;
  Value* step_ = nullptr;
  Value* length_ = nullptr;
};

/// zip and enumerate: several loops side by side, as long as the shortest.
class ZipValue final : public SugaredValue {
 public:
  explicit ZipValue(std::vector<Sugared> parts, Value* counter_start = nullptr)
      : parts_(std::move(parts)), counter_start_(counter_start) {}
  std::string describe() const override { return counter_start_ == nullptr ? "zip" : "enumerate"; }
  Sugared iterable(Emitter&, Position) override { return shared_from_this(); }

  std::optional<size_t> static_length() const override {
    std::optional<size_t> shortest;
    for (const Sugared& part : parts_) {
      if (const auto length = part->static_length()) shortest = std::min(*length, shortest.value_or(*length));
    }
    return shortest;
  }

  Value* length(Emitter& emitter, Position where) override {
    std::vector<Value*> lengths;
    for (const Sugared& part : parts_) lengths.push_back(part->length(emitter, where));
    if (lengths.size() == 1) return lengths[0];
    return emitter.builtin(where, "prim::min", {emitter.list(where, int_type(), lengths)});
  }

  Sugared element(Emitter& emitter, Position where, Value* index) override {
    std::vector<Sugared> items;
    if (counter_start_ != nullptr) {
      const IValue* start = constant_of(counter_start_);
      const bool from_zero = start != nullptr && start->isInt() && start->toInt() == 0;
      items.push_back(
          simple(from_zero ? index : emitter.builtin(where, "aten::add", {index, counter_start_})));
    }
    for (const Sugared& part : parts_) items.push_back(part->element(emitter, where, index));
    return std::make_shared<TupleValue>(std::move(items));
  }

  std::vector<Sugared> elements(Emitter& emitter, Position where, size_t) override {
    std::vector<Sugared> out;
    for (size_t i = 0; i < static_length().value_or(0); ++i) {
      out.push_back(element(emitter, where, emitter.constant(where, static_cast<int64_t>(i))));
    }
    return out;
  }

 private:
  const std::vector<Sugared> parts_;
  Value* const counter_start_;
};

struct CastRow {
  std::string_view name;
  TypeKind kind;
  std::string_view builtin;
};

constexpr std::array kCasts = {
    CastRow{"int", TypeKind::Int, "aten::Int"},
    CastRow{"float", TypeKind::Float, "aten::Float"},
    CastRow{"bool", TypeKind::Bool, "aten::Bool"},
    CastRow{"str", TypeKind::String, "aten::str"},
    CastRow{"complex", TypeKind::Complex, "aten::Complex"},
    CastRow{"_to_tensor", TypeKind::Tensor, "prim::NumToTensor"},
};

struct MagicRow {
  std::string_view name;
  std::string_view builtin;
};

constexpr std::array kMagic = {
    MagicRow{"len", "aten::len"},     MagicRow{"hex", "aten::hex"},   MagicRow{"oct", "aten::oct"},
    MagicRow{"round", "aten::round"}, MagicRow{"hash", "aten::hash"}, MagicRow{"id", "prim::id"},
    MagicRow{"min", "prim::min"},     MagicRow{"max", "prim::max"},   MagicRow{"abs", "prim::abs"},
    MagicRow{"all", "aten::all"},     MagicRow{"any", "aten::any"},   MagicRow{"divmod", "aten::divmod"},
    MagicRow{"sum", "aten::sum"},     MagicRow{"ord", "aten::ord"},   MagicRow{"chr", "aten::chr"},
    MagicRow{"bin", "aten::bin"},     MagicRow{"pow", "aten::pow"},   MagicRow{"sorted", "aten::sorted"},
    MagicRow{"print", "prim::Print"},
};

struct FormRow {
  std::string_view name;
  SpecialForm form;
};

constexpr std::array kForms = {
    FormRow{"isinstance", SpecialForm::kIsinstance},
    FormRow{"getattr", SpecialForm::kGetattr},
    FormRow{"hasattr", SpecialForm::kHasattr},
    FormRow{"tuple", SpecialForm::kTuple},
    FormRow{"list", SpecialForm::kList},
    FormRow{"dict", SpecialForm::kDict},
    FormRow{"range", SpecialForm::kRange},
    FormRow{"zip", SpecialForm::kZip},
    FormRow{"enumerate", SpecialForm::kEnumerate},
};

}  // namespace

Sugared range_value(Emitter& emitter, Position where, const std::vector<Value*>& bounds) {
  return std::make_shared<RangeValue>(emitter, where, bounds);
}

Sugared zip_value(std::vector<Sugared> parts) { return std::make_shared<ZipValue>(std::move(parts)); }

Sugared enumerate_value(Sugared part, Value* start) {
  return std::make_shared<ZipValue>(std::vector<Sugared>{std::move(part)}, start);
}

Sugared python_builtin(std::string_view name) {
  for (const CastRow& row : kCasts) {
    if (row.name == name) return std::make_shared<CastValue>(row.name, simple_type(row.kind), row.builtin);
  }
  for (const MagicRow& row : kMagic) {
    if (row.name == name) return std::make_shared<MagicValue>(row.name, row.builtin);
  }
  for (const FormRow& row : kForms) {
    if (row.name == name) return special_form(row.form, row.name);
  }
  return nullptr;
}

}  // namespace calque::torchscript
