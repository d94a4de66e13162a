#!/usr/bin/env bash
# Runs the Python suites (all of tests/, or what is named). The JUnit file goes to build/reports/pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
reports=build/reports/pytest
mkdir -p "$reports"
rm -f "$reports"/*.xml
paths=("$@")
if [[ ${#paths[@]} == 0 ]]; then paths=(tests); fi

# One worker per processor, so each computes with one thread. nproc would obey OMP_NUM_THREADS: it is asked first.
workers=$(nproc)
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} MKL_NUM_THREADS=${MKL_NUM_THREADS:-1}
exec .venv/bin/python -m pytest -q --durations=15 -n "$workers" --dist worksteal \
  --junitxml="$reports/pytest.xml" "${paths[@]}"
