#!/usr/bin/env bash
# Proves who may depend on whom (ARCHITECTURE.md): the crates from what cargo resolves, the server's modules from the paths in
# their code, and neither from what we believe.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$HUBBUB_ROOT"

# The crates of this workspace that a crate depends on directly, tests left out.
ours() {
  cargo tree --offline --locked -p "$1" --edges normal,build --depth 1 --prefix none --format '{p}' |
    awk 'NR > 1 && /\(\// { print $1 }' | sort -u | tr '\n' ' ' | sed 's/ $//'
}
failed=0
allow() {
  local found; found=$(ours "$1")
  if [ "$found" != "$2" ]; then echo "arrows: $1 may depend on '$2' but depends on '$found'" >&2; failed=1; fi
}
allow protocol ""
allow app "protocol"
allow frontend "app"
allow server "app protocol"
allow client "protocol"
allow load "client"

# The protocol is pure: no runtime, socket, database or user interface below it.
for crate in tokio axum rusqlite sqlx leptos web-sys reqwest hyper; do
  if cargo tree --offline --locked -p protocol --edges normal --prefix none --format '{p}' | grep -q "^$crate "; then
    echo "arrows: protocol must not depend on $crate" >&2; failed=1
  fi
done
# The modules of the server against their table in ARCHITECTURE.md: each takes from the others what is drawn, all of it and
# nothing else. What only tests are built from is left out.
only_tests=$(grep -rA1 --include='*.rs' -x '#\[cfg(test)\]' server/src | sed -nE 's#^(.*)\.rs-mod ([a-z_]+);$#\1/\2#p')
# What a module takes from the others, in the words of the table.
takes() {
  local file way
  find server/src -path "server/src/$1.rs" -o -path "server/src/$1/*.rs" | while read -r file; do
    for way in $only_tests; do case $file in "$way".rs | "$way"/*) continue 2 ;; esac; done
    awk -v depth="$(($(tr -cd / <<<"$file" | wc -c) - 1))" -f scripts/paths.awk "$file"
  done |
    sed -E "/^$1(::|$)/d; s/^store::sqlite(::.*|$)/store's SQLite form/; s/^store::Store(::.*|$)/store/
      s/^store::[A-Z].*/store's plain types/; s/::.*//" | sort -u
}
# The rows of the table: each module, and what it may use, sorted.
drawn() {
  local modules uses module
  awk -F' *\\| *' '/^Inside `server\/src`/ { on = 1 } /^## / { on = 0 } on && /^\| `/ { gsub("`", "", $2); print $2 "|" $4 }' \
    ARCHITECTURE.md | while IFS='|' read -r modules uses; do
    uses=$(sed 's/^–$//; s/, /,/g' <<<"$uses" | tr , '\n' | sort | paste -sd, -)
    for module in ${modules//,/ }; do echo "$module|$uses"; done
  done
}
table=$(drawn)
for file in server/src/*.rs; do
  module=$(basename "$file" .rs)
  if [ "$module" != main ] && ! grep -q "^$module|" <<<"$table"; then
    echo "arrows: ARCHITECTURE.md has no row for the module $module" >&2; failed=1
  fi
done
while IFS='|' read -r module may; do
  if [ "$may" = all ]; then continue; fi
  if [ ! -f "server/src/$module.rs" ]; then
    echo "arrows: ARCHITECTURE.md has a row for the module $module, which is not there" >&2; failed=1
  fi
  # Whoever is given the store itself is given its types with it.
  case ,$may, in *,store,*) implied="store's plain types" ;; *) implied="" ;; esac
  found=$(takes "$module" | awk -v implied="$implied" '$0 != implied' | paste -sd, -)
  if [ "$found" != "$may" ]; then
    echo "arrows: the module $module may use '$may' but uses '$found'" >&2; failed=1
  fi
done <<<"$table"
[ $failed = 0 ] && echo "arrows: as drawn"
exit $failed
