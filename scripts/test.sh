#!/usr/bin/env bash
# Sets up what is missing and runs every test: units and properties, the server through real sockets, the product in a
# real browser. Arguments go to Playwright.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh test
. scripts/env.sh
export HUBBUB_BIN=$HUBBUB_TARGET/release/hubbub
step() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

# First, for the server's tests ask for the page's files.
scripts/build.sh
step "protocol and client"
cargo test --locked -p protocol -p client --features protocol/kept_json
step "page"
cargo test --locked -p app --features ssr
step "server"
cargo test --locked -p server
cargo test --locked --release -p load
step "every order of the hub's hand-off to a socket, under loom"
CARGO_TARGET_DIR=$HUBBUB_TARGET/model cargo test --locked --manifest-path model/Cargo.toml
step "RFC 6455, by the Autobahn suite"
scripts/autobahn.sh
step "fuzz targets, a bounded number of runs"
scripts/fuzz.sh
step "faults, in their short form"
scripts/faults.sh --short
step "image, in a container"
deploy/test-image.sh
step "product, in Chromium"
cd end2end && npx playwright test "$@"
