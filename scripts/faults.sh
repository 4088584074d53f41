#!/usr/bin/env bash
# Makes faults happen to servers of our own while clients talk, and judges what is left; see load/src/faults.rs.
#   scripts/faults.sh                     all of them, as long as it takes; writes docs/FAULTS.md
#   scripts/faults.sh --short [FAULT...]  the short form, as in the tests; writes nothing
# Some need root and tools that are installed here; where they cannot be had they are left out, and that is said.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$HUBBUB_ROOT"
say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

: "${HUBBUB_BIN:=$HUBBUB_TARGET/release/hubbub}"
export HUBBUB_BIN
[ -x "$HUBBUB_BIN" ] || { scripts/setup.sh; scripts/build.sh; }

# fault: what it needs
declare -A needs=([power]=strace [clock]=faketime [full]=root [read-only]=root [network]=root [ceiling]=root)
packages=() missing=
for tool in strace:strace faketime:faketime chattr:e2fsprogs ip:iproute2 tc:iproute2 iptables:iptables; do
  command -v "${tool%%:*}" >/dev/null || packages+=("${tool#*:}")
done
if [ ${#packages[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  say "installing ${packages[*]}"
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}"; } \
    >"$HUBBUB_CACHE/log/faults.log" 2>&1 || say "not all of it could be installed"
fi
can() {
  case $1 in
    root) [ "$(id -u)" = 0 ] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

cargo build --quiet --locked --release -p load
load=$HUBBUB_TARGET/release/hubbub-load
short= chosen=()
for word in "$@"; do [ "$word" = --short ] && short=--short || chosen+=("$word"); done
[ ${#chosen[@]} -gt 0 ] || mapfile -t chosen < <("$load" faults --list)
faults=()
for fault in "${chosen[@]}"; do
  need=${needs[$fault]:-}
  if [ -z "$need" ] || can "$need"; then faults+=("$fault"); else missing="$missing $fault ($need)"; fi
done
[ -z "$missing" ] || say "left out, for what they need is not here:$missing"
if [ -n "$short" ]; then exec "$load" faults --short "${faults[@]}"; fi
exec "$load" faults --report docs/FAULTS.md "${faults[@]}"
