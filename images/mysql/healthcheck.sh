#!/bin/sh
# True when the server answers and its first start is done. Root comes in by the socket: no password.
set -eu
[ -e /var/lib/mysql/.waba-initialised ]
mysql --protocol=socket --connect-timeout=3 --execute='SELECT 1' >/dev/null
