#!/usr/bin/env bash
# Runs the unit tests of one preset: tools/run_tests.sh PRESET [ctest options …]. JUnit files go to build/reports/PRESET.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
reports=$PWD/build/reports/$preset
rm -rf "$reports"
mkdir -p "$reports"

export GTEST_OUTPUT=xml:$reports/cases/
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1:allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-second_deadlock_stack=1}
ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" \
  --output-junit "$reports/ctest.xml" "$@"
