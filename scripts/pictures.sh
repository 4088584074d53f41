#!/usr/bin/env bash
# Takes the README's pictures anew, into docs/screenshots.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh test
scripts/build.sh
. scripts/env.sh
export HUBBUB_BIN=$HUBBUB_TARGET/release/hubbub
cd end2end && npx playwright test --config pictures.config.ts
