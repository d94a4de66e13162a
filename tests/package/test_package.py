"""`make install` gives a package that find_package(calque) of another project builds and runs with."""

import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONSUMER = ROOT / "tests/package/consumer"


def sh(*command, **options) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=600, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(calque, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prefix")
    sh("cmake", "--install", calque.path.parent, "--prefix", folder)
    return folder


@pytest.fixture(scope="module")
def archive(calque, minilm, tmp_path_factory):
    path = tmp_path_factory.mktemp("package") / "model.pt"
    calque("export", minilm, "-o", path)
    return path


def test_consumer_builds_and_runs(prefix, archive, minilm, tmp_path):
    sh("cmake", "-S", CONSUMER, "-B", tmp_path, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}")
    sh("cmake", "--build", tmp_path)
    assert sh(tmp_path / "consumer", archive, minilm) == "7 tokens\n"


def test_installed_command_runs(prefix):
    assert re.match(r"calque \d", sh(prefix / "bin/calque", "--version"))


def test_only_public_headers_are_installed(prefix):
    installed = {str(path.relative_to(prefix / "include")) for path in (prefix / "include").rglob("*.h")}
    public = {f"calque/{path.name}" for path in (ROOT / "include/calque").glob("*.h")}
    assert installed == public


def test_nothing_else_is_needed_at_run_time(prefix):
    """The C++ library, zlib, simdjson; no libtorch, no OpenMP, no BLAS."""
    libraries = set(re.findall(r"^\s*(lib[a-z+_0-9]+)[.-]", sh("ldd", prefix / "bin/calque"), re.MULTILINE))
    assert libraries <= {"libz", "libsimdjson", "libstdc++", "libm", "libgcc_s", "libc"}
