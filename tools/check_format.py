#!/usr/bin/env python3
"""Checks that every C++ file of the tree is formatted as .clang-format says; --fix formats them."""

import argparse
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("include", "src", "apps", "examples", "tests", "bench")


def cpp_files() -> list[pathlib.Path]:
    return sorted(
        path
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".cc", ".h") and path.is_file()
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fix", action="store_true", help="rewrite the files")
    options = parser.parse_args()
    mode = ["-i"] if options.fix else ["--dry-run", "-Werror"]
    files = cpp_files()
    done = subprocess.run(["clang-format-19", *mode, *files], capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stderr, end="")
        print("format: run tools/check_format.py --fix")
        return 1
    print(f"format: {len(files)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
