#!/usr/bin/env bash
# Builds the container image `hubbub` with docker or podman, whichever is there.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in docker podman; do
  if command -v "$tool" >/dev/null && "$tool" info >/dev/null 2>&1; then
    exec "$tool" build -f deploy/Dockerfile -t hubbub .
  fi
done
echo "neither docker nor podman works here: install one of them, then run this again" >&2
exit 1
