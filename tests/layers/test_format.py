"""Every C++ file is formatted as .clang-format says, and no file is longer than the style allows."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LONGEST = 450


def test_clang_format():
    done = subprocess.run([sys.executable, ROOT / "tools/check_format.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_are_short():
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in ("include", "src", "apps", "examples")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".cc", ".h") and (lines := len(path.read_text().splitlines())) > LONGEST
    }
    assert not long, f"longer than {LONGEST} lines: {long}"
