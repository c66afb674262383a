# shellcheck shell=bash
# Definitions for entrypoint.sh and healthcheck.sh. Server: MariaDB. The functions get the command of the server, as in CMD.
# shellcheck disable=SC2034 # used by these scripts
SERVER=mariadbd CLIENT=(mariadb --protocol=socket) ADMIN=(mariadb-admin)

# Print SQL after which root is the only account, and logs in through the socket without a password.
restrict_root() {
    echo "DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost');"
    echo "FLUSH PRIVILEGES;"
}

make_data() {
    mariadb-install-db --user=mysql --datadir=/var/lib/mysql --skip-test-db --auth-root-authentication-method=socket "${@:2}" >/dev/null
}

serve_on_socket() {
    "$@" --user=mysql --skip-networking
}

if [ -n "${WABA_GALERA_CLUSTER:-}" ] || [[ ${1:-} == position || ${1:-} == bootstrap-file ]]; then
    # shellcheck source=/dev/null
    source /usr/local/lib/member.sh
    # shellcheck source=/dev/null
    source /usr/local/lib/arbitrator.sh
fi
