#!/usr/bin/env bash
# Packs target/release/hubbub into the image and runs it as production does: own user, read-only root, no capabilities, data on
# a volume. Needs root, podman and buildah (apt-get install podman buildah runc debootstrap); leaves nothing behind but
# the base image in the cache. Where no registry can be reached, the base image is made by debootstrap.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
fail() { printf '\033[1;31mimage:\033[0m %s\n' "$*" >&2; exit 1; }
check() { # what, expected, actual
  [ "$2" = "$3" ] || fail "$1: expected '$2', found '$3'"
  say "ok: $1"
}

[ -x target/release/hubbub ] || fail "no target/release/hubbub: run scripts/build.sh first"
for tool in podman buildah runc curl node; do command -v $tool >/dev/null || fail "$tool is missing: apt-get install podman buildah runc debootstrap"; done

# A store and settings of its own, that work without a session bus, cgroups or kernel overlays.
WORK=$(mktemp -d)
BASE=docker.io/library/debian:bookworm-slim
BASE_TAR=$HUBBUB_CACHE/debian-bookworm-slim.tar
cat >"$WORK/storage.conf" <<CONF
[storage]
driver = "vfs"
runroot = "$WORK/run"
graphroot = "$WORK/graph"
CONF
cat >"$WORK/containers.conf" <<'CONF'
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
netns = "host"
seccomp_profile = ""
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
CONF
export CONTAINERS_STORAGE_CONF=$WORK/storage.conf CONTAINERS_CONF=$WORK/containers.conf BUILDAH_ISOLATION=chroot
cleanup() {
  podman rm -f -t 0 hubbub-test >/dev/null 2>&1 || true
  podman system prune -af --volumes >/dev/null 2>&1 || true
  rm -rf "$WORK"
}
trap cleanup EXIT

if ! timeout 60 podman pull -q "$BASE" >/dev/null 2>&1; then
  if [ ! -e "$BASE_TAR" ]; then
    say "no registry can be reached: making the base image with debootstrap (about a minute)"
    command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 2>/dev/null | head -n 1)
    debootstrap --variant=minbase bookworm "$WORK/base" "${mirror:-http://deb.debian.org/debian}" >"$WORK/debootstrap.log" 2>&1 ||
      { tail -n 5 "$WORK/debootstrap.log" >&2; fail "debootstrap failed"; }
    rm -rf "$WORK/base"/var/cache/apt/archives/*.deb "$WORK/base"/var/lib/apt/lists/*
    mkdir -p "$HUBBUB_CACHE"
    tar -C "$WORK/base" -cf "$BASE_TAR.new" . && mv "$BASE_TAR.new" "$BASE_TAR"
    rm -rf "$WORK/base"
  fi
  podman import -q "$BASE_TAR" "$BASE" >/dev/null
fi

say "building the image"
buildah bud -q --pull-never --format docker --target prebuilt --ignorefile deploy/Dockerfile.dockerignore \
  -f deploy/Dockerfile -t hubbub-test . >"$WORK/build.log" 2>&1 || { tail -n 20 "$WORK/build.log" >&2; fail "the image does not build"; }

PORT=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
URL=http://127.0.0.1:$PORT
run() {
  podman run -d --name hubbub-test --read-only --read-only-tmpfs=false --cap-drop all --security-opt no-new-privileges \
    -e HUBBUB_LISTEN="127.0.0.1:$PORT" -v hubbub-test-data:/data hubbub-test >/dev/null 2>>"$WORK/podman.log" ||
    { cat "$WORK/podman.log" >&2; fail "the container does not start"; }
  # curl itself waits for the server, for at most ten seconds.
  curl -sS -o /dev/null --retry 50 --retry-delay 0 --retry-max-time 10 --retry-all-errors "$URL/readyz" ||
    { podman logs hubbub-test >&2; fail "the server does not get ready"; }
}
say "running it"
run # podman itself complains where there is no systemd to call the health check; that goes to its log
check "it runs as its own user" 10001 "$(podman exec hubbub-test id -u)"
check "its root is read-only" no "$(podman exec hubbub-test sh -c 'touch /usr/here 2>/dev/null && echo yes || echo no')"
check "its data folder is its own" "10001 700" "$(podman exec hubbub-test stat -c '%u %a' /data)"
check "its health check passes" healthy "$(podman healthcheck run hubbub-test >/dev/null 2>&1 && echo healthy || echo unhealthy)"
token=$(curl -sS "$URL/api/v1/guests" --json '{"username": "packed"}' | sed 's/.*"token":"\([^"]*\)".*/\1/')
curl -sS -o /dev/null "$URL/api/v1/rooms/general/messages" -H "Authorization: Bearer $token" --json '{"content": "kept on the volume"}'
curl -sS --compressed "$URL/" | grep -q '<html' || fail "the page does not come"

say "stopping it"
podman stop -t 20 hubbub-test >/dev/null 2>>"$WORK/podman.log"
check "SIGTERM ends it in order" 0 "$(podman inspect -f '{{.State.ExitCode}}' hubbub-test)"
podman rm hubbub-test >/dev/null 2>>"$WORK/podman.log"
run
check "its data outlives the container" "kept on the volume" \
  "$(curl -sS "$URL/api/v1/rooms/general/messages" -H "Authorization: Bearer $token" | sed 's/.*"content":"\([^"]*\)".*/\1/')"
say "the image is $(podman image inspect -f '{{.Size}}' hubbub-test | awk '{printf "%.0f MB", $1 / 1e6}'), of which $(stat -c %s target/release/hubbub | awk '{printf "%.1f MB", $1 / 1e6}') are ours"
