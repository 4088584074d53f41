#!/usr/bin/env bash
# Installs what a bare machine lacks to build (and, with "test", to test) Hubbub. Says what it does; repeats in seconds.
#   scripts/setup.sh          the build: the wasm32 target, cargo-leptos, wasm-bindgen, wasm-opt, sass
#   scripts/setup.sh test     that, and what the tests need: Chromium, fonts, Playwright, podman
set -euo pipefail
. "$(dirname "$0")/env.sh"
. "$(dirname "$0")/versions.sh"
cd "$HUBBUB_ROOT"
mkdir -p "$HUBBUB_CACHE/log"

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
fail() { printf '\033[1;31mset-up stopped:\033[0m %s\n' "$*" >&2; exit 1; }

# Runs a long command quietly; on failure shows the end of what it said.
quietly() {
  local name=$1 log; shift
  log=$HUBBUB_CACHE/log/$name.log
  "$@" >"$log" 2>&1 || { tail -n 25 "$log" >&2; fail "$name failed; the whole output is in $log"; }
}

apt_updated=
apt_install() { # packages
  command -v apt-get >/dev/null || return 1
  local sudo=; [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null || return 1; sudo=sudo; }
  if [ -z "$apt_updated" ]; then quietly apt-update $sudo apt-get update; apt_updated=1; fi
  quietly apt-install $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# Installs Debian packages for the commands that are missing: need COMMAND PACKAGE ...
need() {
  local missing=()
  while [ $# -gt 0 ]; do command -v "$1" >/dev/null || missing+=("$2"); shift 2; done
  [ ${#missing[@]} = 0 ] && return
  say "installing ${missing[*]}"
  apt_install "${missing[@]}" || fail "please install: ${missing[*]}, then run this again"
}

native_toolchain() {
  command -v cargo >/dev/null || fail "Rust is missing. Install it from https://rustup.rs, then run this again."
  need cc build-essential make make node nodejs npm npm
}

has_wasm32() { [ -e "$("${RUSTC:-rustc}" --print target-libdir --target wasm32-unknown-unknown 2>/dev/null)" ]; }

# The normal way first; where rustup can download nothing, Debian's compiler and a standard library built from its source.
wasm32_target() {
  has_wasm32 && return
  if command -v rustup >/dev/null; then
    say "adding the wasm32 target with rustup"
    timeout 120 rustup target add wasm32-unknown-unknown >"$HUBBUB_CACHE/log/rustup.log" 2>&1 && has_wasm32 && return
  fi
  say "rustup cannot fetch wasm32 here; using Debian's Rust and building its standard library (about a minute)"
  apt_install rustc-web cargo-web rust-web-src rust-web-clippy rustfmt-web lld-22 build-essential ||
    fail "the wasm32 target is missing: run 'rustup target add wasm32-unknown-unknown', then this again"
  local work=$HUBBUB_CACHE/wasm-std sysroot=$HUBBUB_SYSROOT.new
  rm -rf "$work" "$sysroot"; cp -r scripts/wasm-std "$work"
  # Bitcode makes link-time optimisation work across the standard library.
  ( cd "$work" && PATH=/usr/bin:$PATH RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Cembed-bitcode=yes \
      CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-22 CARGO_TARGET_DIR=$work/target \
      quietly wasm-std cargo build --release -Z build-std=std,panic_abort,panic_unwind \
      --target wasm32-unknown-unknown )
  mkdir -p "$sysroot/bin" "$sysroot/lib/rustlib/wasm32-unknown-unknown/lib"
  ln -sfn /usr/lib/rustlib/x86_64-unknown-linux-gnu "$sysroot/lib/rustlib/"
  cp "$work"/target/wasm32-unknown-unknown/release/deps/*.rlib "$sysroot/lib/rustlib/wasm32-unknown-unknown/lib/"
  printf '#!/bin/sh\nexec /usr/bin/rustc --sysroot %s "$@"\n' "$HUBBUB_SYSROOT" >"$sysroot/bin/rustc"
  chmod +x "$sysroot/bin/rustc"
  rm -rf "$HUBBUB_SYSROOT" "$work"; mv "$sysroot" "$HUBBUB_SYSROOT"
  . scripts/env.sh
  has_wasm32 || fail "the wasm32 target still does not work; remove $HUBBUB_CACHE and run this again"
}

# cargo_tool NAME VERSION COMMAND-THAT-PRINTS-IT cargo-install-flags...
cargo_tool() {
  local name=$1 version=$2 probe=$3; shift 3
  [[ "$($probe 2>/dev/null)" == *"$version"* ]] && return
  if command -v cargo-binstall >/dev/null; then
    say "fetching $name $version"
    cargo binstall -y --root "$HUBBUB_CACHE/tools" "$name@$version" >"$HUBBUB_CACHE/log/$name.log" 2>&1 && return
  fi
  say "building $name $version (some minutes, once)"
  CARGO_TARGET_DIR=$HUBBUB_CACHE/build/$name quietly "$name" \
    cargo install "$name" --version "$version" --root "$HUBBUB_CACHE/tools" "$@"
  rm -rf "$HUBBUB_CACHE/build/$name"
}

# Both only drive or transform, once a build: what counts is how soon they are there. cargo-leptos' own release profile
# takes half an hour; its lock file asks for a compiler newer than it needs. wasm-bindgen reads all of the page's WebAssembly
# and is optimised a little: without, that takes 71 seconds instead of 10.
quick_to_build() { # opt-level command...
  CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=0 \
    CARGO_PROFILE_RELEASE_OPT_LEVEL=$1 "${@:2}"
}
wasm_bindgen() {
  quick_to_build 1 cargo_tool wasm-bindgen-cli "$WASM_BINDGEN" "wasm-bindgen --version" --bin wasm-bindgen
}
cargo_leptos() {
  quick_to_build 0 cargo_tool cargo-leptos "$CARGO_LEPTOS" "cargo-leptos --version" \
    --locked --ignore-rust-version --features no_downloads
}

# npm packages of a folder, installed again only when its lock file has changed.
npm_packages() {
  local dir=$1 stamp=$1/node_modules/.hubbub-lock
  cmp -s "$dir/package-lock.json" "$stamp" && return
  say "installing npm packages in $dir"
  quietly npm npm --prefix "$dir" ci --no-audit --no-fund
  cp "$dir/package-lock.json" "$stamp"
}

browser() {
  need chromium chromium
  local fonts; fonts=$(fc-list 2>/dev/null || true)
  [[ $fonts == *NotoSansCJK* && $fonts == *NotoColorEmoji* ]] && return
  say "installing fonts for Chinese, Japanese, Korean and emoji"
  apt_install fonts-noto-cjk fonts-noto-color-emoji fonts-noto-core ||
    say "could not install Noto fonts; the browser tests run, pictures may lack glyphs"
}

# For the test of the image. Where they cannot be had, that test says so and the others run.
container_tools() {
  [ "$(id -u)" = 0 ] || return 0
  if command -v podman && command -v buildah && command -v runc && command -v debootstrap; then return; fi >/dev/null
  command -v apt-get >/dev/null || return 0
  say "installing podman, buildah, runc and debootstrap"
  ( apt_install podman buildah runc debootstrap ) 2>/dev/null || say "containers cannot be had here"
}

native_toolchain
# The tools need no wasm32, and each of the three leaves cores idle now and then.
wasm_bindgen & tools=$!
cargo_leptos & tools="$tools $!"
trap 'kill $tools 2>/dev/null || true' EXIT
wasm32_target
npm_packages .
for tool in $tools; do wait "$tool" || exit 1; done
trap - EXIT
if [ "${1:-}" = test ]; then browser; container_tools; npm_packages end2end; fi
