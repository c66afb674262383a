#!/bin/sh
# wait_on_mysql.sh COMMAND...: waits until the database accepts the node's account, then runs COMMAND in its place.
set -eu
python3 -m waba_node wait-for-database
exec "$@"
