#!/usr/bin/env bash
# Runs target/release/hubbub behind Caddy and behind nginx, with the files that lie here, on loopback: the page, cookies, a post and a
# socket must come through. Needs caddy, nginx, openssl and node; leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
fail() { printf '\033[1;31mproxies:\033[0m %s\n' "$*" >&2; exit 1; }
BINARY=${HUBBUB_BIN:-target/release/hubbub}
[ -x "$BINARY" ] || fail "no $BINARY: run scripts/build.sh first"
for tool in caddy nginx openssl node; do command -v $tool >/dev/null || fail "$tool is missing: apt-get install caddy nginx openssl nodejs"; done

WORK=$(mktemp -d)
PIDS=()
cleanup() {
  for pid in "${PIDS[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${PIDS[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$WORK"
}
trap cleanup EXIT
free_port() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'; }
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost -keyout "$WORK/key.pem" -out "$WORK/cert.pem" 2>/dev/null

behind() { # proxy
  local upstream port plain origin
  upstream=$(free_port) port=$(free_port) plain=$(free_port)
  origin=https://localhost:$port
  "$BINARY" --listen "127.0.0.1:$upstream" --data "$WORK/data-$1" --public-url "$origin" --trusted-proxies 1 >"$WORK/hubbub.log" 2>&1 &
  PIDS+=($!)
  case $1 in
    caddy)
      { printf '{\n\tadmin off\n\thttp_port %s\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n' "$plain"
        sed "s|^chat.example.org|localhost:$port|; s|127.0.0.1:3000|127.0.0.1:$upstream\n\ttls $WORK/cert.pem $WORK/key.pem|" deploy/Caddyfile
      } >"$WORK/Caddyfile"
      XDG_DATA_HOME=$WORK XDG_CONFIG_HOME=$WORK caddy run --adapter caddyfile --config "$WORK/Caddyfile" >"$WORK/caddy.log" 2>&1 &
      PIDS+=($!) ;;
    nginx)
      sed -E "s|127.0.0.1:3000|127.0.0.1:$upstream|; s|listen (\[::\]:)?80;|listen 127.0.0.1:$plain;|; s|listen 443|listen 127.0.0.1:$port|
              /\[::\]:443/d; s|chat.example.org;|localhost;|; s|/etc/letsencrypt/live/.*/fullchain.pem|$WORK/cert.pem|
              s|/etc/letsencrypt/live/.*/privkey.pem|$WORK/key.pem|" deploy/nginx.conf |
        awk '!(/listen 127/ && seen[$0]++)' >"$WORK/site.conf"
      printf 'pid %s/nginx.pid; error_log stderr; worker_processes 1;\nevents {}\nhttp { access_log off; client_body_temp_path %s/body; proxy_temp_path %s/proxy; fastcgi_temp_path %s/fastcgi; uwsgi_temp_path %s/uwsgi; scgi_temp_path %s/scgi;\ninclude %s/site.conf; }\n' \
        "$WORK" "$WORK" "$WORK" "$WORK" "$WORK" "$WORK" "$WORK" >"$WORK/nginx.conf"
      nginx -e stderr -c "$WORK/nginx.conf" -g 'daemon off;' >"$WORK/nginx.log" 2>&1 &
      PIDS+=($!) ;;
  esac
  curl -s -k -o /dev/null --retry 50 --retry-delay 0 --retry-max-time 10 --retry-all-errors -f "$origin/readyz" ||
    { cat "$WORK/$1.log" "$WORK/hubbub.log" >&2; fail "$1 does not reach the server"; }

  local name=behind-$1 cookie
  curl -sS -k "$origin/" | grep -q '<html' || fail "$1: the page does not come"
  cookie=$(curl -sS -k -D - -o /dev/null "$origin/sign-in" -H "Origin: $origin" --data-urlencode "username=$name" --data-urlencode next=/ |
    tr -d '\r' | sed -n 's/^[Ss]et-[Cc]ookie: //p' | grep hubbub_session) || fail "$1: signing in sets no cookie"
  [[ $cookie == __Host-* && $cookie == *Secure* && $cookie == *HttpOnly* ]] || fail "$1: the cookie is not fit for TLS: ${cookie%%=*}"
  [ "$(curl -sS -k -o /dev/null -w '%{http_code}' "$origin/rooms/general" -H "Cookie: ${cookie%%;*}" -H 'Origin: https://elsewhere.example' --data content=no)" = 403 ] ||
    fail "$1: a foreign origin may post"
  [ "$(curl -sS -k -o /dev/null -w '%{http_code}' "$origin/rooms/general" -H "Cookie: ${cookie%%;*}" -H "Origin: $origin" --data content=yes)" = 303 ] ||
    fail "$1: a form cannot post"
  local flags=()
  node -e 'process.exit("WebSocket" in globalThis ? 0 : 1)' || flags=(--experimental-websocket --no-warnings)
  NODE_TLS_REJECT_UNAUTHORIZED=0 COOKIE=${cookie%%;*} ORIGIN=$origin node "${flags[@]}" -e '
    const { COOKIE: cookie, ORIGIN: origin } = process.env;
    const socket = new WebSocket(origin.replace("https", "wss") + "/ws", { headers: { cookie, origin } });
    const late = setTimeout(() => { console.error("no answer on the socket"); process.exit(1); }, 10000);
    socket.onerror = ({ message }) => { console.error(message); process.exit(1); };
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.type === "welcome") socket.send(JSON.stringify({ type: "join", room: "general" }));
      if (frame.type === "joined") { clearTimeout(late); process.exit(frame.messages[0].content === "yes" ? 0 : 1); }
    };' 2>"$WORK/node.log" || { cat "$WORK/node.log" >&2; fail "$1: the socket does not come through"; }
  say "ok: page, cookie, form and socket behind $1"
}
behind caddy
behind nginx
