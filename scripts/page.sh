#!/usr/bin/env bash
# Measures how the page behaves in Chromium and prints a table: how soon it is live on a slow processor, whether a burst of messages
# leaves it smooth, whether its memory stays flat, and what Lighthouse says. Takes some minutes; run it on a machine that does nothing
# else. Nothing fails, for times depend on the machine: what is missed is marked. A whole run writes its table into docs/BENCHMARKS.md; with
# arguments, which go to Playwright, only some is measured and nothing written: scripts/page.sh -g burst
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
scripts/setup.sh test
scripts/build.sh
cargo build --quiet --locked --release -p load
export HUBBUB_BIN=${HUBBUB_BIN:-$HUBBUB_TARGET/release/hubbub} HUBBUB_LOAD=$HUBBUB_TARGET/release/hubbub-load

packages=end2end/measure/node_modules
if ! cmp -s end2end/measure/package-lock.json $packages/.hubbub-lock; then
  printf '\033[1m==>\033[0m %s\n' "installing Lighthouse" >&2
  npm --prefix end2end/measure ci --silent --no-audit --no-fund
  cp end2end/measure/package-lock.json $packages/.hubbub-lock
fi
[ $# -gt 0 ] || export HUBBUB_PAGE_REPORT=$HUBBUB_ROOT/docs/BENCHMARKS.md
cd end2end && npx playwright test --config measure.config.ts "$@"
