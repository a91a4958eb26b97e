#!/bin/sh
# Installs the real programs that the tests talk to, from Debian's packages. Says what is missing when it cannot.
set -u

missing=""
need() { # program, package
  command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || missing="$missing $2"
}
need chromium chromium
need chromium-headless-shell chromium-headless-shell
need caddy caddy
need nginx nginx-light
need prometheus prometheus
need promtool prometheus
need prometheus-alertmanager prometheus-alertmanager
need ip iproute2
need openssl openssl
need curl curl
need prometheus-blackbox-exporter prometheus-blackbox-exporter
need sqlite3 sqlite3
need faketime faketime
[ -z "$missing" ] && exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "install-components: missing:$missing; install them (on Debian: apt-get install$missing), then run the tests again" >&2
  exit 1
fi
echo "install-components: installing$missing"
export DEBIAN_FRONTEND=noninteractive
# Services are not wanted, only the programs: the packages must not start anything.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d.gatewatch && chmod +x /usr/sbin/policy-rc.d.gatewatch
[ -e /usr/sbin/policy-rc.d ] || { cp /usr/sbin/policy-rc.d.gatewatch /usr/sbin/policy-rc.d; made=1; }
log=$(mktemp)
{ apt-get update -q && apt-get install -y -q --no-install-recommends $missing; } >"$log" 2>&1
status=$?
[ -z "${made:-}" ] || rm -f /usr/sbin/policy-rc.d
rm -f /usr/sbin/policy-rc.d.gatewatch
if [ $status != 0 ]; then
  tail -n 20 "$log" >&2
  echo "install-components: could not install$missing" >&2
fi
rm -f "$log"
exit $status
