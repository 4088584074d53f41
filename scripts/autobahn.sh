#!/usr/bin/env bash
# Holds the server's WebSocket code to RFC 6455 with the Autobahn testsuite: 301 cases against server/examples/echo.rs. Fails if one
# fails. What it needs is kept in the cache; where it cannot be had, this says so in one line and ends well.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$HUBBUB_ROOT"

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
skip() { say "autobahn: not tested here, $*"; exit 0; }
fail() { printf '\033[1;31mautobahn:\033[0m %s\n' "$*" >&2; exit 1; }

CACHE=$HUBBUB_CACHE/autobahn
PACKAGES=$CACHE/packages
PIP=$CACHE/pip-20.3.4-py2.py3-none-any.whl # the last one that knows Python 2.7
REPORTS=$HUBBUB_TARGET/autobahn
mkdir -p "$CACHE" "$HUBBUB_CACHE/log"
LOG=$HUBBUB_CACHE/log/autobahn.log
: >"$LOG"

# Python 2.7 as the last Debian that had it packs it, laid out in the cache; nothing of it is installed.
debian_python() {
  local dir=$CACHE/apt lists options
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  rm -rf "$dir" "$CACHE/python.new"
  mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$CACHE/python.new"
  lists=$dir/sources.list
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${1%/} bullseye main" >"$lists"
  options=(-o "Dir::Etc::sourcelist=$lists" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$dir/lists" -o "Dir::Cache=$dir"
    -o APT::Sandbox::User=root)
  timeout 120 apt-get "${options[@]}" update --error-on=any >>"$LOG" 2>&1 &&
    ( cd "$dir" && timeout 120 apt-get "${options[@]}" download python2.7-minimal libpython2.7-minimal libpython2.7-stdlib \
      libssl1.1 libffi7 >>"$LOG" 2>&1 ) || return 1
  for package in "$dir"/*.deb; do dpkg-deb -x "$package" "$CACHE/python.new" >>"$LOG" 2>&1 || return 1; done
  rm -rf "$dir" "$CACHE/python"
  mv "$CACHE/python.new" "$CACHE/python"
}
# Whatever Python 2.7 there is, or that one.
find_python() {
  local mirror
  PYTHON=(python2.7)
  "${PYTHON[@]}" -c 'import ssl' 2>>"$LOG" && return
  if [ ! -x "$CACHE/python/usr/bin/python2.7" ]; then
    say "fetching Python 2.7 from Debian"
    # From where this machine has its own packages.
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 2>/dev/null | head -n 1) || true
    { [ -n "$mirror" ] && debian_python "$mirror"; } ||
      skip "for there is no Python 2.7 and Debian's cannot be fetched: $(tail -n 1 "$LOG")"
  fi
  PYTHON=(env "LD_LIBRARY_PATH=$(echo "$CACHE"/python/usr/lib/*-linux-gnu*)" "$CACHE/python/usr/bin/python2.7")
  "${PYTHON[@]}" -c 'import ssl' 2>>"$LOG" || skip "for Debian's Python 2.7 does not run: $(tail -n 1 "$LOG")"
}

# The packages, anew only when their list has changed. Setuptools first: it sets up the others.
install() {
  local list=scripts/autobahn/requirements.txt new=$CACHE/packages.new pip
  cmp -s "$list" "$PACKAGES/requirements.txt" && return
  say "installing the Autobahn testsuite"
  [ -e "$PIP" ] || timeout 120 python3 -m pip download --quiet --no-deps --dest "$CACHE" pip==20.3.4 >>"$LOG" 2>&1 ||
    skip "for pip of Python 3 is missing or cannot fetch: $(tail -n 1 "$LOG")"
  pip=("$PIP/pip" install --no-deps --no-compile --target "$new")
  rm -rf "$new"
  timeout 300 "${PYTHON[@]}" "${pip[@]}" "$(grep ^setuptools "$list")" >>"$LOG" 2>&1 &&
    PYTHONPATH=$new timeout 300 "${PYTHON[@]}" "${pip[@]}" -r <(grep -v ^setuptools "$list") >>"$LOG" 2>&1 ||
    skip "for its packages cannot be had: $(tail -n 1 "$LOG")"
  cp "$list" "$new/"
  rm -rf "$PACKAGES"; mv "$new" "$PACKAGES"
}
find_python
install

cargo build --quiet --locked -p server --example echo
rm -rf "$REPORTS"; mkdir -p "$REPORTS"
coproc ECHO { exec "$HUBBUB_TARGET/debug/examples/echo"; }
trap 'kill $ECHO_PID 2>/dev/null || true' EXIT
read -r -t 20 url <&"${ECHO[0]}" || fail "the echo server does not start"
say "running the Autobahn testsuite (half a minute)"
code=0
timeout 300 "${PYTHON[@]}" scripts/autobahn/suite.py "$PACKAGES" "$REPORTS" "$url" >>"$LOG" 2>&1 || code=$?
grep '^autobahn: ' "$LOG" || fail "the suite broke off; the whole output is in $LOG"
exit $code
