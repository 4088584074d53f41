#!/usr/bin/env bash
# Compares a Hubbub with other servers under the same load, in turn, several rounds, and writes docs/BENCHMARKS.md.
#   scripts/bench.sh            everything: about 12 minutes
#   scripts/bench.sh --quick    the goals that matter most, on the screen only: about 3 minutes
# HUBBUB_BIN measures another binary than the one that scripts/build.sh makes. Run it on a machine that does nothing else.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$HUBBUB_ROOT"
say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
fail() { echo "bench: $*" >&2; exit 1; }

CONNECTIONS=15000   # the largest crowd; each side holds a file descriptor for each of them
quick=
case ${1:-} in --quick) quick=1 ;; "") ;; *) fail "usage: scripts/bench.sh [--quick]" ;; esac

ulimit -n "$(ulimit -Hn)"
if [ "$(ulimit -n)" != unlimited ] && [ "$(ulimit -n)" -lt $((CONNECTIONS + 500)) ]; then
  fail "a process may open only $(ulimit -n) files here; $((CONNECTIONS + 500)) are needed"
fi

server=${HUBBUB_BIN:-$HUBBUB_TARGET/release/hubbub}
[ -x "$server" ] || scripts/build.sh
say "building the generator"
cargo build --quiet --locked --release -p load
arguments=(--server "$server")
versions="Hubbub $("$server" --version | awk '{ print $NF }')"

packages=load/peers/node_modules
if ! cmp -s load/peers/package-lock.json $packages/.hubbub-lock; then
  say "installing Bun and ws"
  npm --prefix load/peers ci --silent --no-audit --no-fund
  cp load/peers/package-lock.json $packages/.hubbub-lock
fi
# Where npm runs no install scripts, the binary is still where it was unpacked.
bun=$(find $packages/bun/bin $packages/@oven -type f \( -name bun -o -name bun.exe \) -size +1M | sort | head -n 1)
[ -n "$bun" ] || fail "npm brought no Bun for this machine"
arguments+=(--bun "$bun")
versions+=", Bun $("$bun" --version)"

if [ -z "$quick" ]; then
  arguments+=(--node "$(command -v node)")
  versions+=", ws $(node -p "require('./$packages/ws/package.json').version") on Node $(node --version | tr -d v)"

  say "building the relay over axum's WebSocket"
  ( cd load/peers/axum && cargo build --quiet --locked --release --target-dir "$HUBBUB_TARGET/peers" )
  arguments+=(--axum "$HUBBUB_TARGET/peers/release/axum-relay")
  versions+=", axum $(awk -F'"' '/^name = "axum"$/ { getline; print $2 }' load/peers/axum/Cargo.lock)"

  # Go's part is for whoever has it: Debian's golang-go and golang-github-gorilla-websocket-dev.
  if command -v go >/dev/null && [ -d /usr/share/gocode/src/github.com/gorilla/websocket ]; then
    say "building the hub in Go"
    GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS= go build -o "$HUBBUB_TARGET/peers/go-relay" load/peers/go/main.go
    arguments+=(--go "$HUBBUB_TARGET/peers/go-relay")
    versions+=", gorilla/websocket on $(go version | awk '{ print $3 }')"
  fi
fi

if [ -n "$quick" ]; then
  arguments+=(--quick --rounds 2 --counted-ms 1500)
else
  arguments+=(--rounds 3 --counted-ms 3000 --report docs/BENCHMARKS.md)
fi
say "measuring; every sample is in $HUBBUB_TARGET/bench.log"
"$HUBBUB_TARGET/release/hubbub-load" bench "${arguments[@]}" --versions "$versions." 2>&1 |
  tee "$HUBBUB_TARGET/bench.log" | awk '/^$/ { done = 1 } done || / CpuPer/'
