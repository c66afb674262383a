#!/usr/bin/env bash
# Succeed if the first start is complete and the server answers; a member must have joined its cluster too. Root logs in through the socket,
# without a password. With the argument "arbitrator", succeed if the members count its vote.
set -eu
DATA=/var/lib/mysql
# shellcheck source=/dev/null
source /usr/local/lib/server.sh
if [ "${1:-}" = arbitrator ]; then
    is_counted
    exit
fi
if declare -F has_joined >/dev/null; then
    has_joined
    exit
fi
[ -e "$DATA/.waba-initialised" ]
"${CLIENT[@]}" --connect-timeout=3 --execute='SELECT 1' >/dev/null
