#!/usr/bin/env bash
# Runs every fuzz target (fuzz/targets) a number of times from the same seed, so that each run is the same:
#   scripts/fuzz.sh [RUNS]     RUNS of each; 50,000 where it is not said, which takes half a minute once they are built
# Whatever is found lies in target/fuzz/found. A compiler is all it asks for; `cargo fuzz run TARGET` does the same for ever.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$HUBBUB_ROOT"
RUNS=${1:-50000}
SEED=6455
# The longest input, in bytes, and what one may cost before it counts as found.
INPUT_MAX_BYTES=2048 INPUT_MAX_SECONDS=10 MEMORY_MAX_MB=1024
say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

WORK=$HUBBUB_TARGET/fuzz
HOST=$("${RUSTC:-rustc}" -vV | sed -n 's/^host: //p')
# What cargo-fuzz sets, without the sanitizer: there is no unsafe code in what is fuzzed, and stable Rust has none.
COVERAGE="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
  -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
say "building the fuzz targets (a minute the first time)"
RUSTFLAGS=$(tr -s ' \n' ' ' <<<"$COVERAGE") CARGO_TARGET_DIR=$WORK cargo build --quiet --locked --release --target "$HOST" \
  --manifest-path fuzz/Cargo.toml

# What a target begins with: what lies in fuzz/seeds, and for frames those of the snapshots.
seeds() { # target, folder
  local snapshot
  rm -rf "$2"; mkdir -p "$2"
  if [ -d "fuzz/seeds/$1" ]; then cp fuzz/seeds/"$1"/* "$2/"; fi
  case $1 in *_frames)
    for snapshot in protocol/tests/snapshots/frames__"${1%_frames}"_*.snap; do
      awk 'rules >= 2; /^---$/ { rules++ }' "$snapshot" >"$2/$(basename "$snapshot" .snap)"
    done ;;
  esac
}
# Where addresses are random the fuzzer goes other ways each time, for it tries the values that were compared.
STEADY=()
if setarch -R true 2>/dev/null; then STEADY=(setarch -R); fi
mkdir -p "$WORK/found"
failed=0
for source in fuzz/targets/*.rs; do
  target=$(basename "$source" .rs)
  seeds "$target" "$WORK/corpus/$target"
  options=(-seed=$SEED "-runs=$RUNS" -max_len=$INPUT_MAX_BYTES -len_control=0 -reload=0 -timeout=$INPUT_MAX_SECONDS -rss_limit_mb=$MEMORY_MAX_MB
    "-artifact_prefix=$WORK/found/$target-" -verbosity=0)
  if [ -e "fuzz/dictionaries/$target" ]; then options+=("-dict=fuzz/dictionaries/$target"); fi
  if "${STEADY[@]}" "$WORK/$HOST/release/$target" "${options[@]}" "$WORK/corpus/$target" >"$WORK/$target.log" 2>&1; then
    echo "fuzz: $target: $RUNS runs, $(find "$WORK/corpus/$target" -type f | wc -l) ways through it, nothing found"
  else
    tail -n 30 "$WORK/$target.log" >&2
    echo "fuzz: $target: found something; see $WORK/found and $WORK/$target.log" >&2
    failed=1
  fi
done
exit $failed
