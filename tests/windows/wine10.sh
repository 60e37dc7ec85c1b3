#!/bin/sh
# wine10.sh FOLDER: a Debian with Wine 10 in FOLDER/rootfs, for the tests of Schannel's server side. Wine 8 has none.
# wine10.sh FOLDER COMMAND...: run the command in it, as root, with mounts of its own that end with it.
set -eu
folder=$1
root=$folder/rootfs
shift
if [ $# -eq 0 ]; then
    [ ! -e "$folder/complete" ] || exit 0
    rm -rf "$root"
    mkdir -p "$folder"
    mmdebstrap --quiet --variant=minbase --include=wine,wine64,libwine,ca-certificates trixie "$root"
    mkdir -p "$root/prefix"
    touch "$folder/complete"
    exit 0
fi
# shellcheck disable=SC2016  # expanded by the inner shell
exec unshare --mount sh -c 'mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"' \
    "$root" "$@"
