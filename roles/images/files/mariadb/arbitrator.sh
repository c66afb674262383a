# shellcheck shell=bash
# The arbitrator of two members: it votes in their group and stores no data. docs/adr/0027-three-database-members.md. Part of entrypoint.sh.

MERGE_SECONDS=10 # for the members of a view that was cut to meet again

# Join the group of the members. Root prepares the files, and the server's user does the rest.
run_arbitrator() {
    check_names WABA_GALERA_CLUSTER
    if [ "$(id -u)" -eq 0 ]; then
        lock_volume
        chown mysql:mysql "$DATA" /run/mysqld
        copy_certificates
        exec setpriv --reuid=mysql --regid=mysql --clear-groups /usr/local/bin/entrypoint.sh arbitrator
    fi
    vote
}

# Run the arbitrator until it ends or this script receives a signal. SIGINT makes it leave the group in order. The volume has the last view of the
# group, so that all three find each other again after they have failed together.
vote() {
    local listed addresses log=/run/mysqld/arbitrator.log pid follower status=0
    listed=$(group_addresses)
    mapfile -t addresses <<<"$listed"
    rm -f "$log"
    mkfifo "$log"
    # A background process ignores SIGINT otherwise, until the arbitrator has found the group.
    env --default-signal=INT garbd "--group=$WABA_GALERA_CLUSTER" "--address=$(gcomm_url "${addresses[@]}")" "--options=$(group_options)" \
        "--workdir=$DATA" >"$log" 2>&1 &
    pid=$!
    trap 'kill -INT "$pid"' TERM INT
    follow_log "$pid" <"$log" &
    follower=$!
    while kill -0 "$pid" 2>/dev/null; do wait "$pid" || status=$?; done
    wait "$follower" || true
    exit "$status"
}

# follow_log PID: print the log of the arbitrator, and end it where it must start anew. The engine starts the container again.
# - Every member has left the group in order. The arbitrator would be alone with a majority: a member that returned would wait for its data, with a
#   mark that makes its own data unusable.
# - The only other member of the last view has crashed and returned. It finds the group again by its stored view if the arbitrator does the same. The
#   members of a view that was only cut meet again at once.
follow_log() {
    local line worked="" timer=""
    while read -r line; do
        echo "$line"
        [[ $line == *"New COMPONENT: "* ]] || continue
        [ -z "$timer" ] || kill "$timer" 2>/dev/null || true
        timer=""
        case $line in
        *"primary = yes,"*"memb_num = 1")
            echo "I every member has left the group: leaving it too"
            kill -INT "$1"
            ;;
        *"primary = yes,"*) worked=1 ;;
        *"memb_num = 1") ;;
        *)
            [ -n "$worked" ] || continue
            (sleep "$MERGE_SECONDS" && echo "I the group has no majority again: starting from the stored view" && kill -KILL "$1") &
            timer=$!
            ;;
        esac
    done
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
