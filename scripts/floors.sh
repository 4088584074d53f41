#!/usr/bin/env bash
# Versions below which a dependency has a known hole that concerns us (advisories named beside them).
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0
floor() { # crate lowest-good-version why
  local version
  for version in $(awk -v crate="$1" '$0 == "name = \"" crate "\"" { getline; gsub(/version = |"/, ""); print }' Cargo.lock); do
    if [ "$(printf '%s\n%s\n' "$2" "$version" | sort -V | head -n 1)" != "$2" ]; then
      echo "floors: $1 $version is older than $2 ($3)" >&2; failed=1
    fi
  done
}
floor h2 0.4.16 RUSTSEC-2026-0258
floor rustls 0.23.46 "RUSTSEC-2026-0346 to 0349"
floor tungstenite 0.20.1 CVE-2023-43669
floor libsqlite3-sys 0.37.0 "SQLite before 3.51.3 can corrupt its log"
[ $failed = 0 ] && echo "floors: all dependencies above them"
exit $failed
