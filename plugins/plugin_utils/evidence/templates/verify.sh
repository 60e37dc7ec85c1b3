#!/bin/sh
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# Verifies this evidence bundle with a POSIX shell, coreutils, find and sed; with OpenSSH when it is signed.
#
#   sh verify.sh                      nothing was changed, deleted, added or renamed
#   sh verify.sh -s allowed_signers   and a signer you trust sealed it (file format: ssh-keygen(1))
#   sh verify.sh -d SHA256            and it is the seal you were told (ledger, ticket, log)
#
# Exit status: 0 verified; 1 not what was sealed; 2 could not be checked; 3 intact, but signed and the signer was not
# checked. VERIFY.md explains what this proves and what not. For a bundle you do not trust at all, run a verify.sh
# from a bundle you do trust:  sh trusted/verify.sh -b suspect/

set -u
LC_ALL=C
export LC_ALL
umask 077

namespace=evidence@encryption-in-transit
bundle=$(dirname -- "$0")
signers=
digest=

cannot() {
    printf 'CANNOT CHECK: %s\n' "$1" >&2
    exit 2
}

# failed MESSAGE [FILE]: the file's lines are shown below the message
failed() {
    printf 'FAILED: %s\n' "$1"
    [ -z "${2:-}" ] || sed 's/^/    /' "$2"
    bad=1
}

while getopts 'b:s:d:h' option; do
    case $option in
        b) bundle=$OPTARG ;;
        s) signers=$OPTARG ;;
        d) digest=$OPTARG ;;
        *) cannot 'usage: sh verify.sh [-b bundle] [-s allowed_signers] [-d sha256]' ;;
    esac
done

case $signers in
    '' | /*) ;;
    *) signers=$(pwd)/$signers ;;
esac
[ -z "$signers" ] || [ -r "$signers" ] || cannot "$signers cannot be read"
cd -- "$bundle" || cannot "no folder $bundle"
[ -r tagmanifest-sha256.txt ] || cannot 'there is no tagmanifest-sha256.txt: not a sealed bundle'

if command -v sha256sum >/dev/null 2>&1; then
    hash_files() { sha256sum -- "$@"; }
elif command -v shasum >/dev/null 2>&1; then
    hash_files() { shasum -a 256 -- "$@"; }
else
    cannot 'neither sha256sum nor shasum is installed'
fi

work=$(mktemp -d) || cannot 'no temporary folder'
trap 'rm -rf -- "$work"' EXIT
trap 'exit 2' HUP INT TERM
bad=

# 1. Only plain files and folders with plain names: everything below may then treat a name as one line and one word.
find . ! -type f ! -type d >"$work/odd" || cannot 'the bundle cannot be read'
find . -name '*[!A-Za-z0-9._-]*' >>"$work/odd" || cannot 'the bundle cannot be read'
if [ -s "$work/odd" ]; then
    tr -d '\001-\011\013-\037\177-\377' <"$work/odd" >"$work/harmless"
    failed 'names or file types that no bundle has:' "$work/harmless"
    exit 1
fi

# 2. What should be there: both manifests. The tag manifest and the signature over it cannot list themselves.
sort -u manifest-sha256.txt tagmanifest-sha256.txt >"$work/expected" || cannot 'the manifests cannot be read'
cut -c 67- "$work/expected" | sort >"$work/expected.names"

# 3. What is there.
find . -type f | cut -c 3- | sort |
    while IFS= read -r name; do
        case $name in
            tagmanifest-sha256.txt | tagmanifest-sha256.txt.sig) ;;
            *) printf '%s\n' "$name" ;;
        esac
    done >"$work/actual.names"
: >"$work/actual.unsorted"
set --
while IFS= read -r name; do
    set -- "$@" "$name"
    if [ $# -ge 200 ]; then
        hash_files "$@" >>"$work/actual.unsorted" || cannot 'a file cannot be read'
        set --
    fi
done <"$work/actual.names"
[ $# -eq 0 ] || hash_files "$@" >>"$work/actual.unsorted" || cannot 'a file cannot be read'
sort "$work/actual.unsorted" >"$work/actual"

# 4. The difference.
comm -13 "$work/expected.names" "$work/actual.names" >"$work/added"
comm -23 "$work/expected.names" "$work/actual.names" >"$work/deleted"
comm -23 "$work/expected" "$work/actual" | cut -c 67- | sort -u | comm -23 - "$work/deleted" >"$work/changed"
for kind in changed deleted added; do
    if [ -s "$work/$kind" ]; then
        failed "$kind since the bundle was sealed:" "$work/$kind"
    fi
done
# A manifest that leaves out what makes this a bundle of ours would otherwise verify.
printf '%s\n' bag-info.txt bagit.txt data/results.ndjson data/run.json manifest-sha256.txt verify.sh >"$work/needed"
comm -23 "$work/needed" "$work/expected.names" >"$work/uncovered"
if [ -s "$work/uncovered" ]; then
    failed 'not covered by the seal:' "$work/uncovered"
fi

# 5. The seal itself.
hash_files tagmanifest-sha256.txt >"$work/seal" || cannot 'tagmanifest-sha256.txt cannot be read'
seal=$(cut -c 1-64 "$work/seal")
if [ -n "$digest" ] && [ "$digest" != "$seal" ]; then
    failed "the seal is $seal, not $digest"
fi

# 6. The signature.
signer=
sealed_at=
fingerprint=
while IFS=' ' read -r label value; do
    case $label in
        X-EIT-Signer:) fingerprint=$value ;;
        X-EIT-Sealed:) sealed_at=$value ;;
    esac
done <bag-info.txt
[ "$fingerprint" = none ] && fingerprint=
if [ -f tagmanifest-sha256.txt.sig ]; then
    if [ -n "$signers" ]; then
        command -v ssh-keygen >/dev/null 2>&1 || cannot 'ssh-keygen is not installed'
        # The time the bundle itself states: keys may have expired since. Only a time stamp of a third party proves it.
        at=$(printf '%s' "$sealed_at" | tr -d ':T-')
        if signer=$(ssh-keygen -Y find-principals -Overify-time="$at" -f "$signers" \
            -s tagmanifest-sha256.txt.sig 2>"$work/why") &&
            signer=$(printf '%s' "$signer" | head -n 1 | cut -d , -f 1) &&
            ssh-keygen -Y verify -Overify-time="$at" -f "$signers" -I "$signer" -n "$namespace" \
                -s tagmanifest-sha256.txt.sig <tagmanifest-sha256.txt >"$work/why" 2>&1; then
            : the signature holds
        else
            failed "the signature is not by a signer in $signers:" "$work/why"
        fi
    fi
elif [ -n "$signers" ]; then
    failed 'there is no signature'
elif [ -n "$fingerprint" ]; then
    failed "the signature by $fingerprint was taken away"
fi

[ -z "$bad" ] || exit 1
printf 'OK: %s files are exactly what was sealed at %s\n' "$(wc -l <"$work/actual.names" | tr -d ' ')" "${sealed_at:-an unknown time}"
printf 'seal: %s\n' "$seal"
if [ -n "$signer" ]; then
    printf 'signer: %s\n' "$signer"
elif [ -f tagmanifest-sha256.txt.sig ]; then
    printf 'NOT CHECKED: the signature. Run again with -s allowed_signers\n'
    exit 3
else
    printf 'signer: none. Compare the seal with the ledger, or with the place it was published.\n'
fi
