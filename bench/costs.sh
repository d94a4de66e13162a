#!/usr/bin/env bash
# `make bench-costs`: what stands around a call.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "== loading a 440 MB archive"
.venv/bin/python bench/load_memory/load_memory.py
echo
echo "== what a call from Python costs on top of C++"
PYTHONPATH=build/python/package .venv/bin/python bench/python_overhead.py
