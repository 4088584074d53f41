#!/usr/bin/env bash
# Sets up what is missing, builds the release and serves it. Flags go to the server: scripts/run.sh --listen 0.0.0.0:3000
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
scripts/build.sh
. scripts/env.sh
exec "$HUBBUB_TARGET/release/hubbub" "$@"
