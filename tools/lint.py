#!/usr/bin/env python3
"""Runs clang-tidy over a build's compile_commands.json, in parallel: ten sources of a folder at a time (the preset `lint`
compiles them together), as most of the time goes into the standard library's headers.

What passed is remembered by the hash of everything its verdict depends on (its text, the project files that it
includes, the checks, the flags), so a second run only looks at what changed. Unit tests are left out: most of their
text is macros of GoogleTest.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("src", "apps", "examples")
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^">]+)[">]', re.MULTILINE)
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "calque-tidy"


def project_includes(path: pathlib.Path, seen: dict[pathlib.Path, str]) -> None:
    """Adds `path` and the project files it includes, directly or not, with their texts."""
    if path in seen:
        return
    seen[path] = path.read_text(errors="replace")
    for name in INCLUDE.findall(seen[path]):
        for base in (path.parent, ROOT / "include", ROOT / "src", ROOT / "tests"):
            if (base / name).is_file():
                project_includes((base / name).resolve(), seen)
                break


def key_of(entry: dict, common: bytes) -> str:
    texts: dict[pathlib.Path, str] = {}
    project_includes(pathlib.Path(entry["file"]).resolve(), texts)
    digest = hashlib.sha256(common)
    digest.update(entry["command"].replace(str(ROOT), "").encode())
    for path in sorted(texts):
        digest.update(f"{path.relative_to(ROOT)}\0{texts[path]}\0".replace(str(ROOT), "").encode())
    return digest.hexdigest()


def lint(build: pathlib.Path, entry: dict, common: bytes) -> tuple[str, str]:
    """The file's name, and what clang-tidy found ("" for nothing)."""
    name = str(pathlib.Path(entry["file"]).relative_to(ROOT))
    stamp = CACHE / key_of(entry, common)
    if stamp.exists():
        return name, ""
    flags = ["--quiet", "--warnings-as-errors=*", "--checks=-bugprone-suspicious-include"]
    command = ["clang-tidy-19", "-p", str(build), *flags, entry["file"]]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        stamp.touch()
        return name, ""
    errors = "\n".join(line for line in done.stderr.splitlines() if "error:" in line)
    return name, done.stdout + errors + f"\nrepeat: {' '.join(command)}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="folder with compile_commands.json")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count())
    parser.add_argument("names", nargs="*", help="only files whose path contains one of these")
    options = parser.parse_args()

    CACHE.mkdir(parents=True, exist_ok=True)
    entries = {entry["file"]: entry for entry in json.loads((options.build / "compile_commands.json").read_text())}
    chosen = [
        entry
        for file, entry in sorted(entries.items())
        if file.startswith(tuple(f"{base}/{folder}/" for folder in FOLDERS for base in (ROOT, options.build.resolve())))
        and not file.endswith(("_test.cc", "_fuzz.cc"))
        and (not options.names or any(name in file for name in options.names))
    ]
    version = subprocess.run(["clang-tidy-19", "--version"], capture_output=True, check=True).stdout
    common = version + (ROOT / ".clang-tidy").read_bytes()

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for name, findings in pool.map(lambda entry: lint(options.build, entry, common), chosen):
            if findings:
                failed += 1
                print(f"{name}\n{findings}")
    print(f"clang-tidy: {len(chosen)} files, {failed} with findings")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
