#!/usr/bin/env bash
# Runs cases of an archive in Debian's libtorch 1.13.
#   tests/full/libtorch113.sh ARCHIVE CASES.safetensors [TOLERANCE]
# LIBTORCH names another folder that holds include/ and lib/<arch>/ (Debian's packages unpacked with dpkg -x, for
# example); without it the installed package libtorch-dev is used.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
prefix=${LIBTORCH:-/usr}
arch=$(gcc -print-multiarch)
program=$root/build/libtorch_check/libtorch_check

if [[ ! -e $prefix/include/torch/script.h ]]; then
  echo "libtorch113.sh: no libtorch in $prefix: install libtorch-dev, or set LIBTORCH" >&2
  exit 1
fi
libraries=$prefix/lib/$arch
if [[ $prefix != /usr ]]; then
  search=$libraries:$prefix/lib:$prefix/../lib/$arch
  for folder in "$libraries"/*/; do search+=:${folder%/}; done
  export LD_LIBRARY_PATH=$search
fi
if [[ ! -x $program || $root/tests/full/libtorch_check.cc -nt $program ]]; then
  mkdir -p "$(dirname "$program")"
  g++ -std=c++17 -O1 -isystem "$prefix/include" -isystem "$prefix/include/torch/csrc/api/include" \
    "$root/tests/full/libtorch_check.cc" -o "$program" \
    -L"$libraries" -Wl,--allow-shlib-undefined -Wl,--no-as-needed -ltorch -ltorch_cpu -lc10
fi
exec "$program" "$@"
