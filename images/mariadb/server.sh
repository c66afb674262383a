# shellcheck shell=bash
# What entrypoint.sh and healthcheck.sh must know of the server: MariaDB. Functions get its own words, as from CMD.
# shellcheck disable=SC2034 # read by them
SERVER=mariadbd CLIENT=(mariadb --protocol=socket) ADMIN=(mariadb-admin)

# SQL that leaves no account but root's, who logs in by the socket without a password.
root_alone() {
    echo "DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost');"
    echo "FLUSH PRIVILEGES;"
}

make_data() {
    mariadb-install-db --user=mysql --datadir=/var/lib/mysql --skip-test-db --auth-root-authentication-method=socket "${@:2}" >/dev/null
}

serve_the_socket() {
    "$@" --user=mysql --skip-networking
}
