#!/usr/bin/env bash
# `make bench-peers`: the peers of the benchmark in build/bench/venv, an environment of its own that also sees the tests' .venv
# (PyTorch, Transformers, the MiniLM weights). A finished set-up leaves a stamp, so that the next call returns at once.
# A peer that cannot be installed is left out, and said to be missing by the benchmark.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly venv=build/bench/venv
stamp=build/.setup/bench-$(cat bench/setup_peers.sh bench/requirements.txt | sha256sum | cut -c1-16)
if [[ -e $stamp && -x $venv/bin/python ]]; then exit 0; fi

say() { echo "peers: $*" >&2; }

pip_install() {
  "$venv/bin/python" -m pip install -qq --no-input --disable-pip-version-check -c bench/requirements.txt -c tools/requirements-test.txt "$@"
}

tools/setup.sh test
if [[ ! -x $venv/bin/python ]]; then
  say "making $venv"
  .venv/bin/python -m venv "$venv"
fi
tests=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo "$tests" > "$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tests.pth"

say "installing the pinned versions of bench/requirements.txt"
if ! pip_install -r bench/requirements.txt; then
  say "not all together; one after the other"
  for peer in matplotlib onnx onnxruntime openvino ctranslate2 nncf; do
    pip_install "$peer" || say "$peer cannot be installed here: it will be missing"
  done
fi
mkdir -p build/.setup
touch "$stamp"
