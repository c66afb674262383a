#!/usr/bin/env bash
# Succeeds when the node reports that it can do its work. Bash only, since it must be cheap.
exec 3<>"/dev/tcp/127.0.0.1/${WABA_HEALTH_PORT:-6253}" || exit 1
read -r -t 2 line <&3 || exit 1
echo "$line"
[[ $line == ok || $line == "ok ("* ]]
