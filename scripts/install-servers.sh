#!/usr/bin/env bash
# The servers that the tests of the purge's recipes talk to, from the packages of Debian and Ubuntu: a Redis or Valkey for BullMQ, and
# PgBouncer. Installs what is missing. The tests start them by themselves.
set -euo pipefail

missing=()
type -P valkey-server redis-server >/dev/null || missing+=(redis-server)
[[ -x /usr/sbin/pgbouncer ]] || type -P pgbouncer >/dev/null || missing+=(pgbouncer)
((${#missing[@]} == 0)) && exit

as_root=$([[ $(id -u) == 0 ]] || echo sudo)
$as_root apt-get update -qq
$as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
