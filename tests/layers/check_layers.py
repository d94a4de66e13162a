#!/usr/bin/env python3
"""Reads every #include of the tree, and the DEPS of every folder's CMakeLists.txt, against layers.txt."""

import pathlib
import re
import sys
from dataclasses import dataclass, field

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+([<"])([^">]+)[">]', re.MULTILINE)
LIBRARY = re.compile(r"calque_library\(\s*(\w+)([^)]*)\)", re.DOTALL)
TEST_SUFFIXES = ("_test", "_fuzz", "_bench")


@dataclass
class Layers:
    edges: dict[str, set[str]] = field(default_factory=dict)
    public: set[str] = field(default_factory=set)
    external: dict[str, set[str]] = field(default_factory=dict)


@dataclass
class Include:
    name: str
    line: int
    quoted: bool


def read_layers(text: str) -> Layers:
    layers = Layers()
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        head, _, tail = line.partition(":")
        if head == "public":
            layers.public |= set(tail.split())
        elif head.startswith("external "):
            layers.external[head.split()[1]] = set(tail.split())
        else:
            layers.edges[head.strip()] = set(tail.split())
    return layers


def includes_of(text: str) -> list[Include]:
    return [
        Include(match[2], text.count("\n", 0, match.start()) + 1, match[1] == '"') for match in INCLUDE.finditer(text)
    ]


def cycle_in(edges: dict[str, set[str]]) -> list[str]:
    """A cycle of the allowed edges, empty when there is none."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for dep in sorted(edges.get(name, ())):
            found = visit(dep, [*path, name])
            if found:
                return found
        done.add(name)
        return []

    for name in edges:
        found = visit(name, [])
        if found:
            return found
    return []


def external_error(name: str, folder: str, layers: Layers) -> str:
    for header, owners in layers.external.items():
        if (name == header or (header.endswith("/") and name.startswith(header))) and folder not in owners:
            return f"<{name}> is for {', '.join(sorted(owners))} only"
    return ""


def source_error(include: Include, folder: str, layers: Layers) -> str:
    """Why a file of src/FOLDER may not include this, or ""."""
    first = include.name.split("/")[0]
    if include.quoted and first in layers.edges and first != folder and first not in layers.edges[folder]:
        return f"src/{folder} may not include {first}/ (layers.txt)"
    if include.quoted and first in layers.public:
        return f"src/{folder} may not include {first}/"
    return external_error(include.name, folder, layers)


def public_error(include: Include, folder: str, layers: Layers, local: set[str]) -> str:
    """Why a file of include/, apps/ or examples/ may not include this, or ""."""
    first = include.name.split("/")[0]
    if include.quoted and first != "calque" and include.name not in local:
        return f"{folder} sees include/calque and its own files only, not {include.name}"
    return external_error(include.name, folder, layers)


def own_header_error(path: pathlib.Path, root: pathlib.Path, includes: list[Include]) -> str:
    """Why the order of includes is wrong: a .cc names its own header first."""
    header = path.with_suffix(".h")
    if path.suffix != ".cc" or not header.exists() or not includes:
        return ""
    expected = str(header.relative_to(root / "src"))
    return "" if includes[0].name == expected else f'own header "{expected}" comes first'


def check_sources(root: pathlib.Path, layers: Layers) -> list[str]:
    errors = []
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        folder = path.relative_to(root / "src").parts[0]
        where = path.relative_to(root)
        if folder not in layers.edges:
            errors.append(f"{where}: folder src/{folder} is not in layers.txt")
            continue
        includes = includes_of(path.read_text())
        if not path.stem.endswith(TEST_SUFFIXES):
            errors += [f"{where}:{i.line}: {e}" for i in includes if (e := source_error(i, folder, layers))]
        if e := own_header_error(path, root, includes):
            errors.append(f"{where}: {e}")
    return errors


def check_public(root: pathlib.Path, layers: Layers) -> list[str]:
    errors = []
    for folder in ("include", *sorted(layers.public)):
        files = [path for path in sorted((root / folder).rglob("*")) if path.suffix in (".h", ".cc")]
        local = set() if folder == "include" else {str(path.relative_to(root / folder)) for path in files}
        for path in files:
            for include in includes_of(path.read_text()):
                if e := public_error(include, folder, layers, local):
                    errors.append(f"{path.relative_to(root)}:{include.line}: {e}")
    return errors


def check_cmake(root: pathlib.Path, layers: Layers) -> list[str]:
    errors = []
    for path in sorted((root / "src").glob("*/CMakeLists.txt")):
        folder = path.parent.name
        text = re.sub(r"#.*", "", path.read_text())
        found = {name: body.split() for name, body in LIBRARY.findall(text)}
        if folder not in found:
            errors.append(f"{path.relative_to(root)}: no calque_library({folder} …)")
            continue
        deps, collecting = set(), False
        for word in found[folder]:
            if word in ("SOURCES", "DEPS", "LINK"):
                collecting = word == "DEPS"
            elif collecting:
                deps.add(word)
        allowed = layers.edges.get(folder, set())
        if deps != allowed:
            errors.append(
                f"{path.relative_to(root)}: DEPS are {sorted(deps)}, layers.txt says {sorted(allowed)}"
            )
    return errors


def check(root: pathlib.Path) -> list[str]:
    layers = read_layers((root / "layers.txt").read_text())
    cycle = cycle_in(layers.edges)
    errors = [f"layers.txt: cycle {' -> '.join(cycle)}"] if cycle else []
    return errors + check_sources(root, layers) + check_public(root, layers) + check_cmake(root, layers)


if __name__ == "__main__":
    found = check(pathlib.Path(__file__).resolve().parents[2])
    print("\n".join(found))
    sys.exit(1 if found else 0)
