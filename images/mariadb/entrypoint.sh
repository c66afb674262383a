#!/usr/bin/env bash
# Initialises an empty data directory once, then becomes the server. Speaks the official images' variables: MYSQL_ or MARIADB_
# ROOT_PASSWORD, DATABASE, USER, PASSWORD, each also as ..._FILE. One script for MariaDB and MySQL; server.sh has what differs.
set -euo pipefail
# shellcheck source=/dev/null
source /usr/local/lib/server.sh

DATA=/var/lib/mysql
READY=$DATA/.waba-initialised

# value NAME: MARIADB_NAME, MYSQL_NAME, or what the file named by ..._FILE holds.
value() {
    local prefix name
    for prefix in MARIADB MYSQL; do
        name=${prefix}_$1
        if [ -n "${!name:-}" ]; then printf '%s' "${!name}"; return; fi
        name=${name}_FILE
        if [ -n "${!name:-}" ]; then cat "${!name}"; return; fi
    done
}

# quoted TEXT: a SQL string.
quoted() {
    local text=${1//\\/\\\\}
    printf "'%s'" "${text//\'/\'\'}"
}

# SQL for the first start; it comes in by standard input, so that no password is ever an argument.
first_statements() {
    local database user
    database=$(value DATABASE) user=$(value USER)
    root_alone
    echo "CREATE USER root@'%' IDENTIFIED BY $(quoted "$(value ROOT_PASSWORD)");"
    echo "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;"
    if [ -n "$database" ]; then
        echo "CREATE DATABASE IF NOT EXISTS \`${database//\`/\`\`}\` CHARACTER SET utf8mb4;"
    fi
    if [ -n "$user" ]; then
        echo "CREATE USER $(quoted "$user")@'%' IDENTIFIED BY $(quoted "$(value PASSWORD)");"
        [ -z "$database" ] || echo "GRANT ALL ON \`${database//\`/\`\`}\`.* TO $(quoted "$user")@'%';"
    fi
}

# initialise SERVER OPTION...
initialise() {
    if [ -z "$(value ROOT_PASSWORD)" ]; then
        echo "E not starting: MYSQL_ROOT_PASSWORD is not set, and there is no data yet" >&2
        exit 2
    fi
    # What is here without the mark is the rest of a first start that was interrupted, or somebody else's data.
    if [ -d "$DATA/mysql" ] && [ ! -e "$DATA/.waba-initialising" ]; then
        echo "I taking over the data that is here already"
        touch "$READY"
        return
    fi
    echo "I initialising the data directory"
    touch "$DATA/.waba-initialising"
    find "$DATA" -mindepth 1 -maxdepth 1 ! -name .waba-initialising -exec rm -rf {} +
    make_data "$@"
    serve_the_socket "$@" &
    for _ in $(seq 600); do
        "${ADMIN[@]}" ping >/dev/null 2>&1 && break
        sleep 0.1
    done
    first_statements | "${CLIENT[@]}"
    "${ADMIN[@]}" shutdown
    wait
    touch "$READY"
    rm "$DATA/.waba-initialising"
}

# The server's own user reads copies: on the host, the key may be root's alone.
certificate_options() {
    local part
    [ -e /opt/certs/server-cert.pem ] || return 0
    for part in cert key; do
        install -o mysql -g mysql -m 0400 "/opt/certs/server-$part.pem" "/run/mysqld/server-$part.pem"
        echo "--ssl-$part=/run/mysqld/server-$part.pem"
    done
}

if [[ ${1:-} == -* ]]; then set -- "$SERVER" "$@"; fi # options alone, as the official images take them
chown mysql:mysql "$DATA" /run/mysqld
[ -e "$READY" ] || initialise "$@"
options=$(certificate_options)
# shellcheck disable=SC2086 # words without blanks
exec "$@" --user=mysql $options
