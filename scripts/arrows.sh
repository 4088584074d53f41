#!/usr/bin/env bash
# Proves who may depend on whom (ARCHITECTURE.md), from what cargo resolves and not from what we believe.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$HUBBUB_ROOT"

# The crates of this workspace that a crate depends on directly, tests left out.
ours() {
  cargo tree --offline --locked -p "$1" --edges normal,build --depth 1 --prefix none --format '{p}' |
    awk 'NR > 1 && /\(\// { print $1 }' | sort -u | tr '\n' ' ' | sed 's/ $//'
}
failed=0
allow() {
  local found; found=$(ours "$1")
  if [ "$found" != "$2" ]; then echo "arrows: $1 may depend on '$2' but depends on '$found'" >&2; failed=1; fi
}
allow protocol ""
allow app "protocol"
allow frontend "app"
allow server "app protocol"
allow client "protocol"
allow load "client"

# The protocol is pure: no runtime, socket, database or user interface below it.
for crate in tokio axum sqlx leptos web-sys reqwest hyper; do
  if cargo tree --offline --locked -p protocol --edges normal --prefix none --format '{p}' | grep -q "^$crate "; then
    echo "arrows: protocol must not depend on $crate" >&2; failed=1
  fi
done
[ $failed = 0 ] && echo "arrows: as drawn"
exit $failed
