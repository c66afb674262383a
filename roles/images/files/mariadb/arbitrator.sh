# shellcheck shell=bash
# The arbitrator of two members: it votes in their group and stores no data. docs/adr/0027-three-database-members.md. Part of entrypoint.sh.

# Join the group of the members, as the server's user. Replaces the script. The volume has the last view of the group, so that all three find each
# other again after they have failed together.
run_arbitrator() {
    local listed addresses
    check_names WABA_GALERA_CLUSTER
    listed=$(group_addresses)
    mapfile -t addresses <<<"$listed"
    lock_volume
    chown mysql:mysql "$DATA" /run/mysqld
    copy_certificates
    exec setpriv --reuid=mysql --regid=mysql --clear-groups garbd "--group=$WABA_GALERA_CLUSTER" "--address=$(group_address "${addresses[@]}")" \
        "--options=$(group_options)" "--workdir=$DATA"
}

# Whether the members that work count the vote of an arbitrator.
is_counted() {
    local address
    for address in $(group_addresses); do
        if guard_reports "$address" '"primary": true.*"arbitrator": true'; then return; fi
    done
    echo "E no guard reports that the members count the vote of the arbitrator" >&2
    return 1
}
