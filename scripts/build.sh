#!/usr/bin/env bash
# Builds the release: the page as WebAssembly, compressed, then the binary that carries it. Result: target/release/hubbub
# Where nothing has changed since it was built from here, that is all it says.
set -euo pipefail
. "$(dirname "$0")/env.sh"
. "$(dirname "$0")/versions.sh"
cd "$HUBBUB_ROOT"
say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

# What the build is made of. A folder is newer when something was added to it or taken away.
sources=(.cargo app frontend protocol public server style Cargo.toml Cargo.lock clippy.toml package-lock.json
  scripts/build.sh scripts/env.sh scripts/versions.sh)
built=$HUBBUB_TARGET/release/.hubbub-built
with="$HUBBUB_ROOT $("${RUSTC:-rustc}" -V) cargo-leptos $CARGO_LEPTOS wasm-bindgen $WASM_BINDGEN"
is_built() {
  [ -x "$HUBBUB_TARGET/release/hubbub" ] && [ -e target/site/pkg/hubbub.wasm.br ] &&
    [ "$(cat "$built" 2>/dev/null)" = "$with" ] && [ "$HUBBUB_TARGET/release/hubbub" -nt target/site/pkg/hubbub.wasm.br ] &&
    [ -z "$(find "${sources[@]}" -newer "$built" -print -quit)" ]
}
if is_built; then say "the release is built"; exit; fi

say "building the release (some minutes the first time)"
began=$(mktemp)
trap 'rm -f "$began"' EXIT
cargo leptos build --release --precompress
# As old as the beginning: what was changed meanwhile is built the next time.
printf '%s\n' "$with" >"$built"
touch -r "$began" "$built"
