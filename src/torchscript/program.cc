#include "torchscript/program.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "calque/error.h"
#include "torchscript/compiler.h"
#include "torchscript/depth_guard.h"
#include "torchscript/literal.h"
#include "torchscript/operator_match.h"
#include "torchscript/type_parser.h"

namespace calque::torchscript {

FunctionSchema read_signature(const Declaration& declaration, const std::vector<IValue>& constants) {
  const Source& source = declaration.tree->source();
  const Stmt& def = *declaration.def;
  const TypeLookup lookup = [&](const std::string& name, Position where) {
    return declaration.resolver->resolve_type(name, where);
  };
  if (declaration.self_type != nullptr && def.params.empty()) {
    fail_at(source, def.where, cat("method ", declaration.qualified_name, " has no argument for its object"));
  }
  FunctionSchema schema{.name = std::string(def.text), .overload = {}, .arguments = {}, .returns = {}};
  std::set<std::string_view> names;
  for (size_t i = 0; i < def.params.size(); ++i) {
    const Param& param = def.params[i];
    if (!names.insert(param.name).second)
      fail_at(source, param.where, cat("argument '", param.name, "' occurs twice"));
    Argument argument = make_argument(std::string(param.name), tensor_type());
    if (i == 0 && declaration.self_type != nullptr) {
      argument.type = declaration.self_type;
    } else if (param.annotation != nullptr) {
      argument.type = parse_type(source, *param.annotation, lookup);
    }
    if (param.default_value != nullptr) {
      argument.default_value = literal_value(source, *param.default_value, argument.type, constants);
    }
    argument.keyword_only = param.keyword_only;
    schema.arguments.push_back(std::move(argument));
  }
  if (def.annotation != nullptr) {
    schema.returns = {make_argument({}, parse_type(source, *def.annotation, lookup))};
  } else if (def.text == "__init__" && declaration.self_type != nullptr) {
    schema.returns = {make_argument({}, none_type())};
  }
  return schema;
}

std::shared_ptr<CompilationUnit> make_unit() {
  return {new CompilationUnit, [](CompilationUnit* unit) {
            // A class that has an attribute of its own type would keep itself alive.
            for (const TypePtr& type : unit->types()) {
              if (type->kind() == TypeKind::Class) unit->find_class(type->annotation())->attributes.clear();
            }
            delete unit;
          }};
}

Function* Program::declare(Declaration declaration) {
  auto function = std::make_unique<Function>();
  function->name = declaration.name.empty() ? std::string(declaration.def->text) : declaration.name;
  function->qualified_name = declaration.qualified_name;
  function->schema.name = function->name;
  function->doc = std::string(declaration.def->doc);
  Function* added = unit_.add_function(std::move(function));
  entries_.emplace(added, Entry{.declaration = std::move(declaration)});
  queue_.push_back(added);
  return added;
}

void Program::charge(int64_t bytes) {
  charged_ += bytes;
  if (charged_ > options_.max_memory) {
    throw LimitError(cat("the program of this archive takes more than ", options_.max_memory,
                         " bytes of memory; raise LoadOptions::max_memory when this is no accident"));
  }
}

const FunctionSchema& Program::schema_of(Function& function) {
  const auto it = entries_.find(&function);
  if (it == entries_.end()) return function.schema;
  Entry& entry = it->second;
  const Declaration& declaration = entry.declaration;
  if (entry.state == State::kDeclared) {
    function.schema = read_signature(declaration, constants);
    entry.state = State::kSignature;
  }
  if (!function.schema.returns.empty()) return function.schema;
  if (entry.state == State::kDone) throw AbandonFunction{};
  if (entry.state == State::kCompiling) {
    fail_at(declaration.tree->source(), declaration.def->where,
            cat("function '", function.qualified_name,
                "' is called recursively. Recursive calls are not supported"));
  }
  compile(function, entry);
  return function.schema;
}

void Program::complete(const ClassType& type) {
  Function* const init = type.find_method("__init__");
  const auto it = init == nullptr ? entries_.end() : entries_.find(init);
  if (it == entries_.end()) return;
  Entry& entry = it->second;
  if (entry.declaration.tree->source().dialect != Dialect::kScript) return;
  schema_of(*init);
  if (entry.state == State::kSignature) compile(*init, entry);
}

void Program::compile_all(Problems* collect) {
  while (!queue_.empty()) {
    Function* function = queue_.front();
    queue_.pop_front();
    Entry& entry = entries_.at(function);
    if (entry.state == State::kDone) continue;
    try {
      schema_of(*function);
      if (entry.state == State::kSignature) compile(*function, entry);
    } catch (const AbandonFunction&) {
      // Noted; the other functions may have more to say.
    }
  }
  if (collect != nullptr) {
    *collect = problems_;
  } else if (!problems_.missing.empty()) {
    throw NotImplementedError(problems_.message());
  } else if (!problems_.empty()) {
    throw LoadError(problems_.message());
  }
  refuse_recursion();
  entries_.clear();
}

void Program::compile(Function& function, Entry& entry) {
  const Declaration& declaration = entry.declaration;
  const DepthGuard guard(depth_, options_.max_depth, declaration.tree->source(), declaration.def->where);
  entry.state = State::kCompiling;
  try {
    with_place(declaration.tree->source(), declaration.def->where,
               [&] { compile_function(*this, function, declaration); });
  } catch (const AbandonFunction&) {
    entry.state = State::kDone;
    function.graph = nullptr;
    scan_for_missing(entry);
    throw;
  }
  entry.state = State::kDone;
}

void Program::note_missing(std::string_view name, const Source& source, Position where,
                           std::string_view function) {
  std::vector<MissingOperator>& missing = problems_.missing;
  auto known = std::find_if(missing.begin(), missing.end(),
                            [&](const MissingOperator& operation) { return operation.name == name; });
  if (known == missing.end())
    known = missing.insert(known, MissingOperator{.name = std::string(name), .places = {}});
  const NamedPosition named = named_position(source, where);
  const CallPlace place{std::string(function), cat(*named.name, " line ", named.where.line)};
  const auto same = [&](const CallPlace& other) {
    return other.function == place.function && other.source == place.source;
  };
  if (std::any_of(known->places.begin(), known->places.end(), same)) return;
  ++known->count;
  if (known->places.size() < MissingOperator::kMostPlaces) known->places.push_back(place);
}

namespace {

/// Calls `found` for every operator name that an expression or statement writes.
class OperatorScan {
 public:
  explicit OperatorScan(std::function<void(const std::string&, Position)> found) : found_(std::move(found)) {}

  void run(std::span<const Stmt* const> body) {
    for (const Stmt* stmt : body) {
      for (const Expr* expr : {stmt->value, stmt->second}) {
        if (expr != nullptr) run(*expr);
      }
      for (const Expr* target : stmt->targets) run(*target);
      run(stmt->body);
      run(stmt->otherwise);
    }
  }

 private:
  void run(const Expr& expr) {
    if (expr.is(ExprKind::kCall)) {
      const std::string name = dotted_name(*expr.items[0]);
      const std::vector<std::string> parts = split(name, '.');
      if (parts.size() == 2 && parts[0] == "torch") found_(cat("aten::", parts[1]), expr.where);
      if (parts.size() == 3 && parts[0] == "ops") found_(cat(parts[1], "::", parts[2]), expr.where);
    }
    for (const Expr* item : expr.items) {
      if (item != nullptr) run(*item);
    }
    for (const Keyword& keyword : expr.keywords) run(*keyword.value);
  }

  std::function<void(const std::string&, Position)> found_;
};

}  // namespace

/// After a function was given up: the other operators in it that are missing, too.
void Program::scan_for_missing(const Entry& entry) {
  const Declaration& declaration = entry.declaration;
  OperatorScan([&](const std::string& name, Position where) {
    if (!is_builtin(name)) note_missing(name, declaration.tree->source(), where, declaration.qualified_name);
  }).run(declaration.def->body);
}

namespace {

void collect_calls(const Block& block, std::vector<const Function*>& out) {
  for (const Node* node = block.first(); node != block.return_node(); node = node->next) {
    if (node->function != nullptr) out.push_back(node->function);
    if (node->is("prim::CallMethod") && node->input()->type->kind() == TypeKind::Class) {
      const auto& type = static_cast<const ClassType&>(*node->input()->type);
      if (const Function* method = type.find_method(node->name)) out.push_back(method);
    }
    for (const auto& inner : node->blocks) collect_calls(*inner, out);
  }
}

}  // namespace

/// Depth-first search for a cycle among calls, without recursion of its own.
void Program::refuse_recursion() const {
  struct Visit {
    const Function* function;
    std::vector<const Function*> calls;
    size_t next = 0;
  };
  std::unordered_map<const Function*, bool> finished;  // absent: not seen; false: on the path
  for (const auto& root : unit_.functions()) {
    if (finished.contains(root.get())) continue;
    std::vector<Visit> path;
    const auto enter = [&](const Function* function) {
      finished[function] = false;
      path.push_back({.function = function, .calls = {}});
      if (function->graph != nullptr) collect_calls(function->graph->block(), path.back().calls);
    };
    enter(root.get());
    while (!path.empty()) {
      Visit& top = path.back();
      if (top.next == top.calls.size()) {
        finished[top.function] = true;
        path.pop_back();
        continue;
      }
      const Function* callee = top.calls[top.next++];
      const auto seen = finished.find(callee);
      if (seen == finished.end()) {
        enter(callee);
      } else if (!seen->second) {
        throw LoadError(
            cat("function '", callee->qualified_name,
                "' is called recursively. Recursive calls are not supported; write the recursion as a loop"));
      }
    }
  }
}

}  // namespace calque::torchscript
