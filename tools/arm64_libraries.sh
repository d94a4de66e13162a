#!/usr/bin/env bash
# Unpacks Debian's libraries for 64-bit ARM in build/arm64-libraries, for cross compilation. apt keeps its lists and
# packages there, too: nothing of this is installed, and the machine's own packages stay as they are.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly packages=(zlib1g-dev libsimdjson14 libsimdjson-dev libfmt9 libfmt-dev libcli11-dev libgtest-dev libgmock-dev)
readonly root=$PWD/build/arm64-libraries
readonly apt=$root/apt

rm -rf "$root"
mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/packages"
touch "$apt/status"
options=(-qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o "Dir::State=$apt/state"
  -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache" -o "APT::Sandbox::User=$(id -un)")
apt-get "${options[@]}" update
(cd "$apt/packages" && apt-get "${options[@]}" download "${packages[@]}")
for package in "$apt"/packages/*.deb; do dpkg-deb --extract "$package" "$root"; done
rm -rf "$apt"
