# shellcheck shell=bash
# What entrypoint.sh and healthcheck.sh must know of the server: MySQL. Functions get its own words, as from CMD.
# shellcheck disable=SC2034 # read by them
SERVER=mysqld CLIENT=(mysql --protocol=socket --user=root) ADMIN=(mysqladmin --user=root)

# SQL that leaves no account but root's, who logs in by the socket without a password.
root_alone() {
    echo "INSTALL PLUGIN auth_socket SONAME 'auth_socket.so';"
    echo "ALTER USER root@localhost IDENTIFIED WITH auth_socket;"
}

make_data() {
    "$@" --initialize-insecure --user=mysql --log-error-verbosity=1
}

serve_the_socket() {
    "$@" --user=mysql --skip-networking --log-error-verbosity=1
}
