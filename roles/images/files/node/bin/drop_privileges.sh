#!/bin/sh
# drop_privileges.sh COMMAND...: runs COMMAND, under an init process, as the user who owns the media folder and without any capability.
# A media folder of root is given to the user `waba` first, with its content of root. Certificates and keys below /run/certificates, which may belong to
# any user of the host, are copied to their places. A container that was started as another user has no privileges to drop.
set -eu
media=${WABA_MEDIA:-/usr/local/wamedia}
certificates=/run/certificates

# Prints USER:GROUP. A file server that does not answer delays media only.
media_owner() {
    timeout --signal=KILL 5 stat --format=%u:%g "$media" 2>/dev/null || echo "$waba"
}

# The folder itself is the last one, so that the next start continues a killed one.
give_media_to_waba() {
    echo "Giving $media to the user waba ($waba) ..." >&2
    chown --recursive --from=0 "$waba" "$media" || echo "$media still belongs to root. Media are refused until another user owns it." >&2
}

copy_certificates() {
    find "$certificates" -type f | while read -r file; do
        target=${file#"$certificates"}
        mkdir -p "$(dirname "$target")"
        (umask 077 && cp "$file" "$target")
        chown "$owner" "$target"
    done
}

if [ "$(id -u)" -eq 0 ]; then
    waba=$(id -u waba):$(id -g waba)
    owner=$(media_owner)
    if [ "${owner%:*}" -eq 0 ]; then
        give_media_to_waba
        owner=$waba
    fi
    [ ! -d "$certificates" ] || copy_certificates
    # As Docker does for the user of an image, so that the node can open /dev/stdout.
    for stream in /proc/self/fd/1 /proc/self/fd/2; do
        [ ! -p "$stream" ] || chown "${owner%:*}" "$stream"
    done
    # The name for libraries that ask for one, since the number may have none.
    export USER=waba HOME=/nonexistent
    set -- setpriv --reuid="${owner%:*}" --regid="${owner#*:}" --clear-groups --inh-caps=-all -- /usr/bin/tini -- "$@"
else
    set -- /usr/bin/tini -- "$@"
fi
exec "$@"
