# shellcheck shell=bash
# Definitions for entrypoint.sh and healthcheck.sh. Server: MySQL. The functions get the command of the server, as in CMD.
# shellcheck disable=SC2034 # used by these scripts
SERVER=mysqld CLIENT=(mysql --protocol=socket --user=root) ADMIN=(mysqladmin --user=root)

# Print SQL after which root is the only account, and logs in through the socket without a password.
restrict_root() {
    echo "INSTALL PLUGIN auth_socket SONAME 'auth_socket.so';"
    echo "ALTER USER root@localhost IDENTIFIED WITH auth_socket;"
}

make_data() {
    "$@" --initialize-insecure --user=mysql --log-error-verbosity=1
}

serve_on_socket() {
    "$@" --user=mysql --skip-networking --log-error-verbosity=1
}
