#!/usr/bin/env bash
# Builds, serves and rebuilds on every change. Its data is kept apart from that of `make run`.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
. scripts/env.sh
export HUBBUB_DATA=${HUBBUB_DATA:-target/dev-data}
exec cargo leptos watch
