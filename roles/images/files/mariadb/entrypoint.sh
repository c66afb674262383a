#!/usr/bin/env bash
# Initialize an empty data directory, then run the server. Environment variables as in the official images: MYSQL_ROOT_PASSWORD,
# MYSQL_DATABASE, MYSQL_USER and MYSQL_PASSWORD, also with the prefix MARIADB_ and with the suffix _FILE.
# The script is the same for MariaDB and MySQL; server.sh contains the differences. With WABA_GALERA_CLUSTER, MariaDB becomes a member of
# a cluster: see member.sh. The command "arbitrator" votes with its members: see arbitrator.sh.
set -euo pipefail
DATA=/var/lib/mysql
READY=$DATA/.waba-initialised
# shellcheck source=/dev/null
source /usr/local/lib/server.sh
# As process 1, the shell would ignore a signal without a handler until the server replaces it. An interrupted first start is repeated.
trap 'exit 143' TERM INT

# value NAME: print MARIADB_NAME or MYSQL_NAME, or the content of the file that MARIADB_NAME_FILE or MYSQL_NAME_FILE names.
value() {
    local prefix name
    for prefix in MARIADB MYSQL; do
        name=${prefix}_$1
        if [ -n "${!name:-}" ]; then printf '%s' "${!name}"; return; fi
        name=${name}_FILE
        if [ -n "${!name:-}" ]; then cat "${!name}"; return; fi
    done
}

# quoted TEXT: print a SQL string.
quoted() {
    local text=${1//\\/\\\\}
    printf "'%s'" "${text//\'/\'\'}"
}

# Print the SQL for the first start. The client reads it from standard input, so that no password is an argument.
first_statements() {
    local database user
    database=$(value DATABASE) user=$(value USER)
    # Strings and names below are quoted for the default mode; the server may be configured with another one.
    echo "SET SESSION sql_mode = '';"
    restrict_root
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

# initialize SERVER OPTION...
initialize() {
    if [ -z "$(value ROOT_PASSWORD)" ]; then
        echo "E not starting: the data directory is empty and MYSQL_ROOT_PASSWORD is not set" >&2
        exit 2
    fi
    # Data without the mark is left by an interrupted first start, or was written by another server.
    if [ -d "$DATA/mysql" ] && [ ! -e "$DATA/.waba-initialising" ]; then
        echo "I using the existing data"
        touch "$READY"
        return
    fi
    echo "I initializing the data directory"
    touch "$DATA/.waba-initialising"
    find "$DATA" -mindepth 1 -maxdepth 1 ! -name .waba-initialising ! -name waba-bootstrap -exec rm -rf {} +
    make_data "$@"
    serve_on_socket "$@" &
    for _ in $(seq 600); do
        "${ADMIN[@]}" ping >/dev/null 2>&1 && break
        sleep 0.1
    done
    # By a statement: mariadb-admin and mysqladmin take up to a second to notice that the server has stopped.
    { first_statements; echo "SHUTDOWN;"; } | "${CLIENT[@]}"
    wait
    touch "$READY"
    rm "$DATA/.waba-initialising"
}

# The server's user reads copies, because only root may be able to read the key on the host.
certificate_options() {
    local part
    [ -e /opt/certs/server-cert.pem ] || return 0
    for part in cert key; do
        install -o mysql -g mysql -m 0400 "/opt/certs/server-$part.pem" "/run/mysqld/server-$part.pem"
        echo "--ssl-$part=/run/mysqld/server-$part.pem"
    done
}

# prepare COMMAND...: provide an initialized data directory.
prepare() {
    chown mysql:mysql "$DATA" /run/mysqld
    [ -e "$READY" ] || initialize "$@"
}

# serve COMMAND...: run the server in place of this script.
serve() {
    local options
    options=$(certificate_options)
    # shellcheck disable=SC2086 # the options contain no whitespace
    exec "$@" --user=mysql $options
}

if [[ ${1:-} == -* ]]; then set -- "$SERVER" "$@"; fi # options without a program, as in the official images
if declare -F run_member >/dev/null; then
    case ${1:-} in
    position) position ;;
    arbitrator) run_arbitrator ;;
    bootstrap-file) write_bootstrap_file "${@:2}" ;;
    *) run_member "$@" ;;
    esac
    exit
fi
# The history of a cluster ends where a single server changes the data.
rm -f "$DATA/.waba-member" "$DATA/grastate.dat" "$DATA/gvwstate.dat"
prepare "$@"
serve "$@"
