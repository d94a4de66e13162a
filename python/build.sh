#!/usr/bin/env bash
# Builds the Python package into build/python/package, a folder for PYTHONPATH. Its build tools, pinned in pyproject.toml and
# python/requirements-dev.txt, go to build/python/tools.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly python=${PYTHON:-.venv/bin/python}
readonly tools=build/python/tools
if [[ ! -x $python ]]; then
  echo "python/build.sh: $python is missing: run tools/setup.sh test, or set PYTHON" >&2
  exit 1
fi

if [[ ! -e $("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h ]]; then
  echo "python/build.sh: installing the headers of Python" >&2
  root=()
  if [[ $(id -u) != 0 ]]; then root=(sudo); fi
  "${root[@]}" apt-get -qq update
  "${root[@]}" apt-get -qq install -y --no-install-recommends python3-dev >/dev/null
fi

key=$(cat pyproject.toml python/requirements-dev.txt | sha256sum | cut -c1-16)
if [[ ! -e $tools/.$key ]]; then
  rm -rf "$tools"
  requirements=$("$python" -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"])')
  # shellcheck disable=SC2086
  "$python" -m pip install -qq --no-input --disable-pip-version-check --target "$tools" -r python/requirements-dev.txt $requirements
  touch "$tools/.$key"
fi

cmake -S . -B build/python -G Ninja -DCMAKE_BUILD_TYPE=Release -DCALQUE_BUILD_PYTHON=ON -DCALQUE_BUILD_APPS=OFF \
  -DCALQUE_BUILD_EXAMPLES=OFF -DCALQUE_BUILD_TESTS=OFF -DZLIB_USE_STATIC_LIBS=ON -DPython_EXECUTABLE="$(realpath -s "$python")" \
  -Dnanobind_DIR="$PWD/$tools/nanobind/cmake" >build/python.configure.log || { cat build/python.configure.log; exit 1; }
cmake --build build/python -j "${JOBS:-$(nproc)}" --target python_package
