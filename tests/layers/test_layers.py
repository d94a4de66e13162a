"""The tree obeys layers.txt, headers stand alone, and the checker finds what it is there to find."""

import importlib.util
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

_spec = importlib.util.spec_from_file_location("check_layers", ROOT / "tests/layers/check_layers.py")
check_layers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(check_layers)

HEADERS = sorted(
    str(path.relative_to(ROOT))
    for folder in ("include", "src", "apps")
    for path in (ROOT / folder).rglob("*.h")
)


def test_tree_obeys_layers():
    errors = check_layers.check(ROOT)
    assert not errors, "\n".join(errors)


ARM_COMPILER = "aarch64-linux-gnu-g++"


def compiler_of(header: str) -> list[str]:
    """Headers of NEON take the cross compiler of `make aarch64`."""
    if "neon" not in pathlib.Path(header).name:
        return ["g++"]
    if shutil.which(ARM_COMPILER) is None:
        pytest.skip(f"{ARM_COMPILER} is missing: run tools/setup.sh aarch64")
    return [ARM_COMPILER, "-march=armv8.2-a+bf16+dotprod"]


@pytest.mark.parametrize("header", HEADERS)
def test_header_stands_alone(header):
    command = [*compiler_of(header), "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Iinclude", "-Isrc", "-Iapps"]
    done = subprocess.run(
        [*command, "-include", header, "-x", "c++", "/dev/null"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


# A small tree for each mistake.

LAYERS = """
base:
tensor: base
public: apps
external zlib.h: base
"""


def make_tree(folder, files):
    defaults = {
        "layers.txt": LAYERS,
        "src/base/CMakeLists.txt": "calque_library(base SOURCES a.cc)",
        "src/tensor/CMakeLists.txt": "calque_library(tensor SOURCES t.cc DEPS base)",
        "src/base/a.h": "#pragma once\n",
        "include/calque/x.h": "#pragma once\n#include <vector>\n",
    }
    for name, text in (defaults | files).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_clean_tree_passes(tmp_path):
    make_tree(tmp_path, {"src/tensor/t.cc": '#include "base/a.h"\n#include "calque/x.h"\n'})
    assert check_layers.check(tmp_path) == []


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"src/base/a.cc": '#include "base/a.h"\n#include "tensor/t.h"\n'}, "src/base/a.cc:2: src/base may not include"),
        ({"src/extra/a.cc": ""}, "folder src/extra is not in layers.txt"),
        ({"include/calque/y.h": '#include "base/a.h"\n'}, "include/calque/y.h:1: include sees include/calque"),
        ({"apps/main.cc": '#include "base/a.h"\n'}, "apps/main.cc:1: apps sees include/calque and its own"),
        ({"src/tensor/t.cc": "#include <zlib.h>\n"}, "<zlib.h> is for base only"),
        ({"src/base/a.cc": '#include <vector>\n#include "base/a.h"\n'}, 'own header "base/a.h" comes first'),
        ({"src/tensor/CMakeLists.txt": "calque_library(tensor SOURCES t.cc)"}, "DEPS are [], layers.txt says ['base']"),
        ({"layers.txt": "base: tensor\ntensor: base\n"}, "layers.txt: cycle base -> tensor -> base"),
    ],
)
def test_mistake_is_found(tmp_path, files, expected):
    make_tree(tmp_path, files)
    errors = check_layers.check(tmp_path)
    assert any(expected in error for error in errors), errors
