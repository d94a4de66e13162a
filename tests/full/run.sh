#!/usr/bin/env bash
# The part of `make conformance-full` that needs other programs: Debian's libtorch 1.13 runs our archive and agrees with
# Transformers; Netron's parser opens it and shows its modules.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

.venv/bin/python tests/full/make_cases.py "$folder"
tests/full/libtorch113.sh "$folder/model.pt" "$folder/cases.safetensors" 1e-5
tests/full/netron_check.sh "$folder/model.pt" embeddings encoder pooler
