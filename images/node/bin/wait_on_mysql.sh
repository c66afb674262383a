#!/bin/sh
# wait_on_mysql.sh COMMAND...: wait until the database lets this node in, then become COMMAND.
set -eu
python3 -m waba_node wait-for-database
exec "$@"
