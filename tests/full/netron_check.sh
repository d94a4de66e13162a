#!/usr/bin/env bash
# Opens an archive with Netron's parser under node and checks that it shows the named modules.
#   tests/full/netron_check.sh ARCHIVE [MODULE…]
# NETRON names the folder of the Python package netron; without it, it is looked for in .venv.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${NETRON:-$(echo "$here"/../../.venv/lib/python3*/site-packages/netron)}
if [[ ! -e $folder/view.js ]]; then
  echo "netron_check.sh: no Netron in $folder: tools/setup.sh full installs it" >&2
  exit 1
fi
exec node "$here/netron_check.mjs" "$folder" "$@"
