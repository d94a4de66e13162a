// Imports: archives of 2019 hold `import a.b`, scripts all of Python's forms.
#include "base/text.h"
#include "torchscript/source_parser.h"

namespace calque::torchscript {

std::string_view SourceParser::dotted_path(std::string_view what) {
  const uint32_t begin = token_.offset;
  uint32_t end = begin;
  do {
    end = token_.offset + static_cast<uint32_t>(token_.text.size());
    expect_name(what);
  } while (accept("."));
  return std::string_view(tree_.source_.text).substr(begin, end - begin);
}

std::string_view SourceParser::import_alias(std::string_view otherwise) {
  if (!is_script() || !accept("as")) return otherwise;
  return expect_name("a name after 'as'");
}

const Stmt* SourceParser::import_statement() {
  Stmt stmt{};
  stmt.kind = StmtKind::kImport;
  stmt.where = token_.where;
  advance();
  std::vector<ImportedName> names;
  do {
    const Position where = token_.where;
    const std::string_view path = dotted_path("a module name after 'import'");
    const std::string_view root = path.substr(0, path.find('.'));
    const std::string_view name = import_alias(root);
    names.push_back({.name = name, .path = name == root ? root : path, .where = where});
  } while (accept(","));
  stmt.imports = keep(names);
  end_of_line();
  return make(stmt);
}

const Stmt* SourceParser::from_import_statement() {
  Stmt stmt{};
  stmt.kind = StmtKind::kImport;
  stmt.where = token_.where;
  advance();
  if (token_.is(".")) {
    fail("an import from a neighbouring file; a script is one file: put what it needs into it");
  }
  const std::string_view module = dotted_path("a module name after 'from'");
  expect("import", "after the name of the module");
  if (token_.is("*")) fail("'import *' is not part of TorchScript; name what is imported");
  const bool brackets = accept("(");
  std::vector<ImportedName> names;
  do {
    if (brackets && token_.is(")")) break;
    const Position where = token_.where;
    const std::string_view member = expect_name("a name after 'import'");
    names.push_back(
        {.name = import_alias(member), .path = keep_text(cat(module, ".", member)), .where = where});
  } while (accept(","));
  if (brackets) expect(")", "after the imported names");
  stmt.imports = keep(names);
  end_of_line();
  return make(stmt);
}

}  // namespace calque::torchscript
