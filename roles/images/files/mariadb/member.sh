# shellcheck shell=bash
# A member of a Galera cluster, and the commands on its volume: docs/adr/0027-three-database-members.md. Part of entrypoint.sh.
ZERO=00000000-0000-0000-0000-000000000000
FOLDER=/etc/waba/galera
CONFIGURATION=/etc/mysql/mariadb.conf.d
# `{"uuid": "...", "seqno": ..., "run": "..."}`: permits this volume to begin a cluster once, from exactly this position. With `"history": "new"`
# the cluster gets another uuid: members with commits that this volume lacks then copy all data, in place of the commits that they lack.
BOOTSTRAP=/var/lib/mysql/waba-bootstrap
LONGEST_DELAY=15 # minutes from the decision to begin a cluster to the start of the member
GUARD_PORT=3309
SUSPECT_SECONDS=${WABA_GALERA_SUSPECT_SECONDS:-1.5} # of silence, after which the others suspect a member
BOOTSTRAP_FORMAT='^\{"uuid": ?"([0-9a-f-]{36})", ?"seqno": ?(-1|[0-9]+), ?"run": ?"([A-Za-z0-9_.:-]+)"(, ?"history": ?"new")?\}$'

refuse() {
    echo "E not starting: $1" >&2
    exit 2
}

# Keep other containers from the volume until the program that replaces this script ends.
lock_volume() {
    exec 9<"$DATA"
    flock --nonblock 9 && return
    echo "E a server runs on this volume" >&2
    exit 1
}

# galera_state FIELD: print a field of the state that Galera stored on the volume.
galera_state() {
    [ ! -e "$DATA/grastate.dat" ] || sed -n "s/^$1: *//p" "$DATA/grastate.dat"
}

has_data() {
    [ -d "$DATA/mysql" ] && [ ! -e "$DATA/.waba-initialising" ]
}

# Whether a state transfer to this volume was interrupted, or Galera found that the data differs from the cluster's.
is_incomplete() {
    [ -e "$DATA/.waba-member" ] || return
    [ -e "$DATA/sst_in_progress" ] || { has_data && [ "$(galera_state uuid)" = "$ZERO" ]; }
}

# Whether the volume belongs to a member of a cluster. Otherwise its data, if any, is a single server's.
is_member() {
    local uuid
    uuid=$(galera_state uuid)
    [ "${uuid:-$ZERO}" != "$ZERO" ] || is_incomplete || { [ -e "$DATA/.waba-member" ] && has_data; }
}

stopped_in_order() {
    local seqno
    seqno=$(galera_state seqno)
    [ "${seqno:--1}" != -1 ]
}

# Print `UUID SEQNO`, the position of the data in the cluster's history.
recover_position() {
    local log
    if ! has_data || ! is_member || is_incomplete; then
        echo "$ZERO -1"
    elif stopped_in_order; then
        echo "$(galera_state uuid) $(galera_state seqno)"
    else
        log=$(mariadbd --user=mysql --wsrep-on=ON --wsrep-provider=/usr/lib/galera/libgalera_smm.so --wsrep-cluster-address=gcomm:// \
            --wsrep-sst-method=mariabackup --binlog-format=ROW --skip-networking --disable-log-error --wsrep-recover 2>&1) || true
        [[ $log =~ Recovered\ position:\ ([0-9a-f-]{36}):(-?[0-9]+) ]] || {
            printf '%s\nE the position of the data could not be recovered\n' "$log" >&2
            exit 1
        }
        echo "${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
    fi
}

# json_boolean COMMAND...
json_boolean() {
    if "$@"; then echo true; else echo false; fi
}

# Print what the volume contains, as a line of JSON.
position() {
    local uuid seqno pending=null recovered
    lock_volume
    if [ -e "$BOOTSTRAP" ] && [[ $(<"$BOOTSTRAP") =~ $BOOTSTRAP_FORMAT ]]; then pending=$(<"$BOOTSTRAP"); fi
    recovered=$(recover_position)
    read -r uuid seqno <<<"$recovered"
    printf '{"initialised": %s, "member": %s, "uuid": "%s", "seqno": %s, "clean": %s, "safe_to_bootstrap": %s, "unfinished_sst": %s, "bootstrap": %s}\n' \
        "$(json_boolean has_data)" "$(json_boolean is_member)" "$uuid" "$seqno" "$(json_boolean stopped_in_order)" \
        "$(json_boolean [ "$(galera_state safe_to_bootstrap)" = 1 ])" "$(json_boolean is_incomplete)" "$pending"
}

# write_bootstrap_file UUID SEQNO RUN [new], or --remove
write_bootstrap_file() {
    lock_volume
    if [ "${1:-}" = --remove ]; then
        rm -f "$BOOTSTRAP"
        return
    fi
    local content="{\"uuid\": \"${1:-}\", \"seqno\": ${2:-}, \"run\": \"${3:-}\"${4:+, \"history\": \"$4\"}}"
    [[ $content =~ $BOOTSTRAP_FORMAT ]] || {
        echo "E usage: bootstrap-file UUID SEQNO RUN [new], or bootstrap-file --remove" >&2
        exit 2
    }
    echo "$content" >"$BOOTSTRAP.new"
    sync "$BOOTSTRAP.new"
    mv "$BOOTSTRAP.new" "$BOOTSTRAP"
    sync "$DATA"
}

# guard_reports ADDRESS PATTERN: whether the status that the guard of another member reports matches a pattern.
guard_reports() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    timeout 1 bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf "GET /status HTTP/1.0\r\n\r\n" >&3 && grep -q "$2" <&3' \
        "$1" "$GUARD_PORT" "$2" 2>/dev/null
}

# discard_permission REASON
discard_permission() {
    rm "$BOOTSTRAP"
    refuse "$BOOTSTRAP $1. It was deleted"
}

# begin_cluster ADDRESS...: check the bootstrap file, and delete it. A first start initializes the data directory.
# ADDRESS: of the members. SERVE: the command of the server.
begin_cluster() {
    local address history wanted position
    [[ $(<"$BOOTSTRAP") =~ $BOOTSTRAP_FORMAT ]] || discard_permission "is not valid: the command bootstrap-file writes it"
    wanted="${BASH_REMATCH[1]} ${BASH_REMATCH[2]}" history=${BASH_REMATCH[4]}
    # The host may return long after the run that wrote the file.
    [ -z "$(find "$BOOTSTRAP" -mmin "+$LONGEST_DELAY")" ] || discard_permission "is older than $LONGEST_DELAY minutes"
    for address in "$@"; do
        if guard_reports "$address" '"primary": true'; then discard_permission "permits to begin a cluster, but $address belongs to one that works"; fi
    done
    # The file stays until the first start is complete, so that an interrupted one is repeated.
    if [ "$wanted" = "$ZERO -1" ] && ! is_member && ! has_data; then prepare "${SERVE[@]}"; fi
    position=$(recover_position)
    if is_incomplete; then discard_permission "permits to begin a cluster, but a state transfer to this volume is incomplete"; fi
    if ! has_data; then discard_permission "names the position $wanted, but the volume contains no data"; fi
    [ "$position" = "$wanted" ] || discard_permission "names the position $wanted, but the data is at $position"
    rm "$BOOTSTRAP"
    sync "$DATA"
    echo "I beginning a cluster from the position $position${history:+, with a new history}"
    [ -z "$history" ] || rm -f "$DATA/grastate.dat" "$DATA/gvwstate.dat" # without them, Galera gives the history a new uuid
    [ ! -e "$DATA/grastate.dat" ] || sed -i 's/^safe_to_bootstrap:.*/safe_to_bootstrap: 1/' "$DATA/grastate.dat"
}

# Print the options of the group, separated by semicolons. Members notice a silent one soon, and repeat their view of it soon, so that they agree on
# it at once. The limits of that agreement have their defaults: with shorter ones, two members may not agree, and stop. So has gmcast.peer_timeout:
# with a shorter one, a member that was frozen closes its connections when it continues, before it reads what it has received.
group_options() {
    local options
    options="evs.suspect_timeout=PT${SUSPECT_SECONDS}S"
    options+=";evs.keepalive_period=PT0.2S;evs.inactive_check_period=PT0.1S;evs.join_retrans_period=PT0.3S"
    if [ "${WABA_GALERA_IPV6:-}" = 1 ]; then options+=";gmcast.listen_addr=tcp://[::]:4567"; fi
    if [ "${WABA_GALERA_TLS:-}" = 1 ]; then
        options+=";socket.ssl_ca=/run/mysqld/galera-ca.pem;socket.ssl_cert=/run/mysqld/galera-cert.pem;socket.ssl_key=/run/mysqld/galera-key.pem"
    fi
    echo "$options"
}

# The server's user reads copies, as of the certificate for clients.
copy_certificates() {
    local part
    [ "${WABA_GALERA_TLS:-}" = 1 ] || return 0
    for part in ca cert key; do
        install -o mysql -g mysql -m 0400 "$FOLDER/$part.pem" "/run/mysqld/galera-$part.pem"
    done
}

configure_member() {
    install -m 0644 /usr/local/lib/member.cnf "$CONFIGURATION/99-waba-member.cnf"
    [ "${WABA_GALERA_TLS:-}" = 1 ] || return 0
    install -m 0644 /usr/local/lib/member-tls.cnf "$CONFIGURATION/99-waba-member-tls.cnf"
    copy_certificates
}

# check_names VARIABLE...: refuse to start where a variable or the limit of the group is not valid.
check_names() {
    local name
    for name in "$@"; do
        [[ ${!name:-} =~ ^[A-Za-z0-9_.:-]+$ ]] || refuse "$name is '${!name:-}': it must consist of letters, digits and the characters _.:-"
    done
    [[ $SUSPECT_SECONDS =~ ^[0-9]+(\.[0-9]+)?$ ]] || refuse "WABA_GALERA_SUSPECT_SECONDS is '$WABA_GALERA_SUSPECT_SECONDS': it must be a number"
}

# Let the others suspect the former incarnation of a member that has not left them in order, before it joins them. Until then they would wait for the
# answer of that incarnation, for evs.install_timeout (7.5 s), and commit nothing. A member without data may have lost its volume.
wait_until_suspected() {
    [[ $(galera_state seqno) =~ ^[0-9]+$ ]] || sleep "$SUSPECT_SECONDS" "$SUSPECT_SECONDS"
}

# Print the addresses of the members and of their arbitrator, one a line.
group_addresses() {
    grep -E '^[A-Za-z0-9_.:-]+$' "$FOLDER/members" || refuse "$FOLDER/members does not list the addresses of the members"
}

# bracketed ADDRESS...: print addresses, one a line, each as it stands before a port.
bracketed() {
    local address
    for address in "$@"; do
        if [[ $address == *:* ]]; then echo "[$address]"; else echo "$address"; fi
    done
}

# gcomm_url ADDRESS...: print the URL of the group.
gcomm_url() {
    local addresses
    mapfile -t addresses < <(bracketed "$@")
    echo "gcomm://$(IFS=, && echo "${addresses[*]}")"
}

# run_member SERVER OPTION...: begin a cluster if the bootstrap file permits it, or join one. Replaces the script.
run_member() {
    local listed addresses position uuid seqno options=() SERVE=("$@")
    check_names WABA_GALERA_CLUSTER WABA_GALERA_NODE WABA_GALERA_ADDRESS
    listed=$(group_addresses)
    mapfile -t addresses <<<"$listed"
    rm -f "$CONFIGURATION"/99-waba-member*.cnf # of the previous start of this container
    chown mysql:mysql "$DATA" /run/mysqld
    lock_volume
    if [ -e "$BOOTSTRAP" ]; then
        begin_cluster "${addresses[@]}"
        options=(--wsrep-new-cluster)
    elif [ -e "$DATA/.waba-initialising" ] || { has_data && ! is_member; }; then
        refuse "the volume belongs to a single server. Joining a cluster would delete its data; the command bootstrap-file lets it begin one"
    else
        touch "$DATA/.waba-member"
        wait_until_suspected
    fi
    position=$(recover_position)
    read -r uuid seqno <<<"$position"
    [ "$uuid" = "$ZERO" ] || options+=("--wsrep-start-position=$uuid:$seqno")
    configure_member
    options+=("--wsrep-cluster-name=$WABA_GALERA_CLUSTER" "--wsrep-cluster-address=$(gcomm_url "${addresses[@]}")")
    options+=("--wsrep-node-name=$WABA_GALERA_NODE" "--wsrep-node-address=$(bracketed "$WABA_GALERA_ADDRESS")")
    serve "$@" "${options[@]}" "--wsrep-provider-options=gcache.size=128M;gcs.fc_single_primary=YES;gcs.fc_limit=64;$(group_options)"
}

# Whether the server has joined the cluster's majority. The state 2 is that of a donor.
has_joined() {
    local found
    found=$("${CLIENT[@]}" --connect-timeout=3 --skip-column-names --execute="SHOW STATUS WHERE
        Variable_name = 'wsrep_cluster_status' AND Value = 'Primary' OR Variable_name = 'wsrep_local_state' AND Value IN (2, 4)")
    [ "$(wc -l <<<"$found")" = 2 ]
}
