#!/bin/sh
# drop_privileges.sh COMMAND...: runs COMMAND, under an init process, as the user who owns the media folder and without any capability.
# A media folder of root is given to the user `waba` first, with its content of root. Certificates and keys below /run/certificates, which may belong to any user of the host, are
# copied to their places. A container that was started as another user has no privileges to drop.
set -eu
media=${WABA_MEDIA:-/usr/local/wamedia}
certificates=/run/certificates

# A file server that does not answer delays media only.
owner() {
    timeout --signal=KILL 5 stat --format="$1" "$media" 2>/dev/null || id -"$2" waba
}

# The folder itself is the last one, so that the next start continues a killed one.
give_media_to_waba() {
    echo "Giving $media to the user waba ($(id -u waba)) ..." >&2
    chown --recursive --from=0 waba:waba "$media" || echo "$media still belongs to root. Media are refused until another user owns it." >&2
}

if [ "$(id -u)" -eq 0 ]; then
    [ "$(owner %u u)" -ne 0 ] || give_media_to_waba
    user=$(owner %u u)
    group=$(owner %g g)
    if [ "$user" -eq 0 ]; then
        user=$(id -u waba)
        group=$(id -g waba)
    fi
    umask 077
    if [ -d "$certificates" ]; then
        find "$certificates" -type f | while read -r file; do
            target=${file#"$certificates"}
            mkdir -p "$(dirname "$target")"
            cp "$file" "$target"
            chown "$user:$group" "$target"
        done
    fi
    umask 022
    # As Docker does for the user of an image, so that the node can open /dev/stdout.
    for stream in /proc/self/fd/1 /proc/self/fd/2; do
        [ ! -p "$stream" ] || chown "$user" "$stream"
    done
    # A library asks for the name of the user, which a number has not.
    export USER=waba HOME=/nonexistent
    set -- setpriv --reuid="$user" --regid="$group" --clear-groups --inh-caps=-all -- /usr/bin/tini -- "$@"
else
    set -- /usr/bin/tini -- "$@"
fi
exec "$@"
