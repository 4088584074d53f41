# The environment that every build command of the project runs in. Source it from bash:  . scripts/env.sh
#
# Tools that set-up installs live in one cache outside the checkout, so that a fresh clone is ready in seconds.
HUBBUB_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
HUBBUB_CACHE=${HUBBUB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hubbub}
HUBBUB_SYSROOT=$HUBBUB_CACHE/sysroot
# Where cargo puts what it builds; CARGO_TARGET_DIR moves it.
HUBBUB_TARGET=${CARGO_TARGET_DIR:-$HUBBUB_ROOT/target}
export HUBBUB_ROOT HUBBUB_CACHE HUBBUB_SYSROOT HUBBUB_TARGET

PATH=$HUBBUB_CACHE/tools/bin:$PATH
if [ -x "$HUBBUB_SYSROOT/bin/rustc" ]; then
  # rustup could not fetch the wasm32 target here: Debian's compiler with a sysroot of our own (see scripts/setup.sh).
  PATH=$HUBBUB_CACHE/tools/bin:/usr/bin:$PATH
  export RUSTC=$HUBBUB_SYSROOT/bin/rustc
  export SYSROOT=$HUBBUB_SYSROOT # what clippy-driver looks in, which does not go through RUSTC
  CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$(ls /usr/bin/wasm-ld-[0-9]* 2>/dev/null | sort -V | tail -n 1)
  export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER
fi
export PATH
