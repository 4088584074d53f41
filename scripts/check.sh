#!/usr/bin/env bash
# The gate beside the tests: format, lints for both targets, arrows, floors of dependencies, budgets of sizes.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$HUBBUB_ROOT"
scripts/setup.sh
step() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

step "format"
cargo fmt --all --check
cargo fmt --manifest-path fuzz/Cargo.toml --check
cargo fmt --manifest-path model/Cargo.toml --check
step "lints"
# One call for each set of features: ssr and hydrate never meet in one build.
cargo clippy --locked -p protocol -p client -p load --features protocol/kept_json --all-targets -- -D warnings
cargo clippy --locked -p server --all-targets -- -D warnings
cargo clippy --locked -p app --features ssr --all-targets -- -D warnings
cargo clippy --locked -p frontend --target wasm32-unknown-unknown -- -D warnings
CARGO_TARGET_DIR=$HUBBUB_TARGET/model cargo clippy --locked --manifest-path model/Cargo.toml --test outbox -- -D warnings
CARGO_TARGET_DIR=$HUBBUB_TARGET/fuzz/lint cargo clippy --locked --manifest-path fuzz/Cargo.toml -- -D warnings
step "arrows"
scripts/arrows.sh
step "floors"
scripts/floors.sh
step "sizes"
scripts/sizes.sh
