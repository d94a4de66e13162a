#!/usr/bin/env bash
# Runs every libFuzzer program of build/fuzz: tools/run_fuzzers.sh SECONDS JOBS. Inputs that reach new code are kept in
# .cache/fuzz/NAME for the next run; an input that fails stays in build/fuzz/failures, with the command that repeats it.
set -uo pipefail
cd "$(dirname "$0")/.."
seconds=$1
jobs=$2

export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1
export UBSAN_OPTIONS=print_stacktrace=1
mkdir -p build/fuzz/failures build/fuzz/logs
.venv/bin/python -W ignore tools/fuzz_seeds.py build/fuzz/seeds

fuzz_one() {
  local program=$1 seconds=$2 name
  name=$(basename "$program")
  mkdir -p ".cache/fuzz/$name" "build/fuzz/seeds/$name"
  # An input may not take 10 s, nor 2 GB: hostile files must end in bounded time and memory.
  if "$program" ".cache/fuzz/$name" "build/fuzz/seeds/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/failures/$name-" >"build/fuzz/logs/$name.log" 2>&1; then
    printf '%-28s ok      %s runs, %s edges\n' "$name" "$(awk '/number_of_executed_units/ {print $2}' "build/fuzz/logs/$name.log")" \
      "$(grep -o 'cov: [0-9]*' "build/fuzz/logs/$name.log" | tail -1 | cut -d' ' -f2)"
  else
    printf '%-28s FAILED  see build/fuzz/logs/%s.log\n' "$name" "$name"
    grep -E '^SUMMARY|Test unit written' "build/fuzz/logs/$name.log"
    awk -v program="$program" '/Test unit written to/ {print "  repeat: " program " " $NF}' "build/fuzz/logs/$name.log"
    return 1
  fi
}
export -f fuzz_one

programs=(build/fuzz/*_fuzz)
[[ -x ${programs[0]} ]] || { echo "fuzz: no fuzzers were built" >&2; exit 1; }
printf '%s\n' "${programs[@]}" | xargs -P "$jobs" -I{} bash -c 'fuzz_one {} '"$seconds"
