#!/usr/bin/env bash
# Succeed if the first start is complete and the server answers. Root logs in through the socket, without a password.
set -eu
# shellcheck source=/dev/null
source /usr/local/lib/server.sh
[ -e /var/lib/mysql/.waba-initialised ]
"${CLIENT[@]}" --connect-timeout=3 --execute='SELECT 1' >/dev/null
