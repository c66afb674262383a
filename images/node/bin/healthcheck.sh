#!/usr/bin/env bash
# True when the node says that it can do its work. Bash alone: started every few seconds, so it must be cheap.
exec 3<>"/dev/tcp/127.0.0.1/${WABA_HEALTH_PORT:-6253}" || exit 1
read -r -t 2 line <&3 || exit 1
echo "$line"
[ "$line" = ok ]
