#!/usr/bin/env bash
# True when the server answers and its first start is done. Root comes in by the socket: no password.
set -eu
# shellcheck source=/dev/null
source /usr/local/lib/server.sh
[ -e /var/lib/mysql/.waba-initialised ]
"${CLIENT[@]}" --connect-timeout=3 --execute='SELECT 1' >/dev/null
