#!/usr/bin/env bash
# Packs the release binary that was built last into the image and runs it as production does: own user, read-only root, no
# capabilities, data on a volume. Part of `make test`; where containers cannot be had or do not run, it says so in one line and
# ends well. Needs root, podman, buildah and runc, and once debootstrap or a registry: the base image stays in the cache.
# Leaves nothing else behind.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
fail() { printf '\033[1;31mimage:\033[0m %s\n' "$*" >&2; exit 1; }
skip() { say "image: not tested here, $*"; exit 0; }
check() { # what, expected, actual
  [ "$2" = "$3" ] || fail "$1: expected '$2', found '$3'"
  say "ok: $1"
}

BINARY=$HUBBUB_TARGET/release/hubbub
[ -x "$BINARY" ] || fail "no $BINARY: run scripts/build.sh first"
[ "$(id -u)" = 0 ] || skip "for it needs root"
for tool in podman buildah runc; do command -v $tool >/dev/null || skip "for $tool is missing: apt-get install podman buildah runc debootstrap"; done

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

# The base image as a tar of its files, made once.
base_tar() {
  local mirror
  mkdir -p "$HUBBUB_CACHE"
  if timeout 60 podman pull -q "$BASE" >"$WORK/pull.log" 2>&1; then
    podman create -q --name base "$BASE" true >/dev/null && podman export -o "$BASE_TAR.new" base && podman rm base >/dev/null
  else
    say "no registry can be reached: making the base image with debootstrap (about a minute)"
    command -v debootstrap >/dev/null || skip "for no registry can be reached and debootstrap is missing"
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 2>/dev/null | head -n 1)
    timeout 600 debootstrap --variant=minbase bookworm "$WORK/base" "${mirror:-http://deb.debian.org/debian}" >"$WORK/debootstrap.log" 2>&1 ||
      skip "for neither a registry nor a Debian mirror gives a base image: $(tail -n 1 "$WORK/debootstrap.log")"
    tar -C "$WORK/base" -cf "$BASE_TAR.new" .
    rm -rf "$WORK/base"
  fi
  mv "$BASE_TAR.new" "$BASE_TAR"
}
[ -e "$BASE_TAR" ] || base_tar
podman import -q "$BASE_TAR" "$BASE" >/dev/null 2>"$WORK/import.log" || skip "for podman does not work: $(tail -n 1 "$WORK/import.log")"
podman run --rm "$BASE" true 2>"$WORK/trial.log" || skip "for containers do not run: $(tail -n 1 "$WORK/trial.log")"
podman run --rm -v "$BINARY:/hubbub:ro" "$BASE" /hubbub --version >/dev/null 2>"$WORK/trial.log" ||
  skip "for what is built on this machine does not run on $BASE: $(tail -n 1 "$WORK/trial.log")"

say "building the image"
# All that this form of the image is made from.
mkdir -p "$WORK/context/target/release"
cp "$BINARY" "$WORK/context/target/release/hubbub"
buildah bud -q --pull-never --format docker --target prebuilt -f deploy/Dockerfile -t hubbub-test "$WORK/context" \
  >"$WORK/build.log" 2>&1 || { tail -n 20 "$WORK/build.log" >&2; fail "the image does not build"; }

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
say "the image is $(podman image inspect -f '{{.Size}}' hubbub-test | awk '{printf "%.0f MB", $1 / 1e6}'), of which $(stat -c %s "$BINARY" | awk '{printf "%.1f MB", $1 / 1e6}') are ours"
