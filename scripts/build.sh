#!/usr/bin/env bash
# Builds the release: the page as WebAssembly, compressed, then the binary that carries it. Result: target/release/hubbub
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$HUBBUB_ROOT"
printf '\033[1m==>\033[0m building the release (some minutes the first time)\n' >&2
exec cargo leptos build --release --precompress
