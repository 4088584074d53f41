#!/usr/bin/env bash
# Prints the sizes that have a budget and fails where one is over it. It measures the release that scripts/build.sh makes.
# Times are printed for people and hold nothing up: how long something takes depends on the machine.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$HUBBUB_ROOT"

PAGE_FILES_MAX=290000     # bytes: WebAssembly + JavaScript + CSS, brotli. It only ever comes down
# The standard library that rustup brings is compiled for speed, the one that scripts/setup.sh compiles for size.
[ -x "$HUBBUB_SYSROOT/bin/rustc" ] || PAGE_FILES_MAX=296000
PAGE_HTML_MAX=30000       # bytes: the page with 50 messages, compressed
BINARY_MAX=30000000       # bytes
IDLE_MAX=30000            # KB of memory, resident, after start
CONNECTION_MAX=15         # KB of memory for each of 1,000 connections that joined a full room. It only ever comes down
CONNECTIONS=1000

[ -x "$HUBBUB_TARGET/release/hubbub" ] || scripts/build.sh
cargo build --quiet --locked --release -p load
load=$HUBBUB_TARGET/release/hubbub-load
work=$(mktemp -d)
server= crowd=
cleanup() {
  if [ -n "$crowd" ]; then kill "$crowd" 2>/dev/null || true; fi
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap cleanup EXIT

# A port of the kernel's choosing, kept across the restart below.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null || echo 3999)
address=http://127.0.0.1:$port

now_ms() { date +%s%3N; }
start() { # starts the server and sets ready_ms
  local began; began=$(now_ms)
  "$HUBBUB_TARGET/release/hubbub" --listen "127.0.0.1:$port" --data "$work/data" --rate-limits off --log error >/dev/null &
  server=$!
  for _ in $(seq 2000); do
    if curl --silent --fail --output /dev/null "$address/readyz"; then ready_ms=$(($(now_ms) - began)); return; fi
    kill -0 "$server" 2>/dev/null || { echo "sizes: the server did not start" >&2; exit 1; }
    sleep 0.01
  done
  echo "sizes: the server did not get ready" >&2; exit 1
}
stop() { kill -TERM "$server"; wait "$server" || true; server=; }
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$server/status"; } # KB

failed=0
line() { printf '%-58s %12s  %s\n' "$1" "$2" "$3"; }
budget() { # what value unit max
  local verdict="of at most $4 $3"
  if [ "$2" -gt "$4" ]; then verdict="OVER the budget of $4 $3"; failed=1; fi
  line "$1" "$2 $3" "$verdict"
}

page_files=$(cat target/site/pkg/hubbub.{wasm,js,css}.br | wc -c)
budget "page: WebAssembly + JavaScript + CSS, brotli" "$page_files" bytes $PAGE_FILES_MAX
budget "binary" "$(stat -c %s "$HUBBUB_TARGET/release/hubbub")" bytes $BINARY_MAX

start
budget "memory, idle" "$(resident)" KB $IDLE_MAX
"$load" fill --address "$address" --messages 10000 >/dev/null
read -r _ html _ median _ p99 < <("$load" pages --address "$address")
budget "page: HTML with 50 messages, compressed" "$html" bytes $PAGE_HTML_MAX
line "page of a room of 10,000 messages, median (p99)" "$median ms" "(p99 $p99 ms); goal 5 ms"
stop

# The connections alone: a server that has just started, so that nothing else grows meanwhile.
start
before=$(resident)
mkfifo "$work/crowd"; : >"$work/crowd.out"
"$load" crowd --address "$address" --connections $CONNECTIONS <"$work/crowd" >"$work/crowd.out" &
crowd=$!
exec 9>"$work/crowd"
for _ in $(seq 600); do
  grep -q "joined $CONNECTIONS" "$work/crowd.out" && break
  kill -0 "$crowd" 2>/dev/null || { echo "sizes: the crowd did not come in" >&2; exit 1; }
  sleep 0.1
done
budget "memory for each of $CONNECTIONS joined idle connections" "$((($(resident) - before) / CONNECTIONS))" KB $CONNECTION_MAX
exec 9>&-
wait "$crowd" || true; crowd=

if [ -z "${CI:-}" ]; then
  "$load" fill --address "$address" --messages 90000 >/dev/null
  stop; start
  line "ready after start with 100,000 messages" "$ready_ms ms" "goal 1000 ms"
fi
exit $failed
