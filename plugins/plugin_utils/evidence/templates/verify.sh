#!/bin/sh
# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
#
# Verifies this evidence bundle with a POSIX shell, coreutils, find and sed; with OpenSSH when it is signed.
#
#   sh verify.sh                      nothing was changed, deleted, added or renamed
#   sh verify.sh -s allowed_signers   and a signer you trust sealed it (file format: ssh-keygen(1))
#   sh verify.sh -d SHA256            and it is the seal you were told (ledger, ticket, log)
#   sh verify.sh -t tsa-ca.pem        and a time-stamping authority you trust vouches for when (needs OpenSSL)
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
authorities=
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

# absolute PATH: the path of a file that was given relative to where the script was called
absolute() {
    [ -r "$1" ] || cannot "$1 cannot be read"
    case $1 in
        /*) printf '%s' "$1" ;;
        *) printf '%s/%s' "$(pwd)" "$1" ;;
    esac
}

# read_time 'Nov  2 08:01:40 2026 GMT': sets epoch (seconds since 1970) and at (YYYYMMDDHHMMSSZ)
read_time() {
    # shellcheck disable=SC2086  # the words of the time
    set -- $1
    [ $# -eq 5 ] && [ "$5" = GMT ] || return 1
    case $1 in
        Jan) month=1 ;; Feb) month=2 ;; Mar) month=3 ;; Apr) month=4 ;; May) month=5 ;; Jun) month=6 ;;
        Jul) month=7 ;; Aug) month=8 ;; Sep) month=9 ;; Oct) month=10 ;; Nov) month=11 ;; Dec) month=12 ;;
        *) return 1 ;;
    esac
    clock=${3%%.*}
    hour=${clock%%:*} rest=${clock#*:}
    minute=${rest%%:*} second=${rest#*:}
    at=$(printf '%s%02d%02d%s%s%sZ' "$4" "$month" "$2" "$hour" "$minute" "$second")
    # Years begin with March here, so that the leap day is the last one.
    year=$4
    [ "$month" -gt 2 ] || { year=$((year - 1)); month=$((month + 12)); }
    days=$((365 * year + year / 4 - year / 100 + year / 400 + (153 * (month - 3) + 2) / 5 + $2 - 719469))
    epoch=$((days * 86400 + ${hour#0} * 3600 + ${minute#0} * 60 + ${second#0}))
}

while getopts 'b:s:d:t:h' option; do
    case $option in
        b) bundle=$OPTARG ;;
        s) signers=$OPTARG ;;
        d) digest=$OPTARG ;;
        t) authorities=$OPTARG ;;
        *) cannot 'usage: sh verify.sh [-b bundle] [-s allowed_signers] [-d sha256] [-t tsa-ca.pem]' ;;
    esac
done

[ -z "$signers" ] || signers=$(absolute "$signers") || exit 2
[ -z "$authorities" ] || authorities=$(absolute "$authorities") || exit 2
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

# 2. What should be there: both manifests. The tag manifest, the signature over it and the time stamp cannot be listed.
sort -u manifest-sha256.txt tagmanifest-sha256.txt >"$work/expected" || cannot 'the manifests cannot be read'
cut -c 67- "$work/expected" | sort >"$work/expected.names"

# 3. What is there.
find . -type f | cut -c 3- | sort |
    while IFS= read -r name; do
        case $name in
            tagmanifest-sha256.txt | tagmanifest-sha256.txt.sig | tagmanifest-sha256.txt.tsr | \
                tagmanifest-sha256.txt.sig.tsr) ;;
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

# 6. What the bundle says of itself.
sealed_at=
fingerprint=
authority=
previous=
previous_seal=
while IFS=' ' read -r label value; do
    case $label in
        X-EIT-Signer:) fingerprint=$value ;;
        X-EIT-Sealed:) sealed_at=$value ;;
        X-EIT-Time-Authority:) authority=$value ;;
        X-EIT-Previous-Bag:) previous=$value ;;
        X-EIT-Previous-Tagmanifest-SHA256:) previous_seal=$value ;;
    esac
done <bag-info.txt
[ "$fingerprint" = none ] && fingerprint=
[ "$authority" = none ] && authority=

# 7. The time stamp (RFC 3161): over the signature, or over the tag manifest of a bundle that is not signed.
stamped=tagmanifest-sha256.txt.sig
[ -f "$stamped.tsr" ] || stamped=tagmanifest-sha256.txt
at=$(printf '%s' "$sealed_at" | tr -d ':T-')
stamp=
if [ -n "$authorities" ]; then
    command -v openssl >/dev/null 2>&1 || cannot 'openssl is not installed'
    if [ ! -f "$stamped.tsr" ]; then
        failed 'there is no time stamp'
    elif openssl ts -reply -in "$stamped.tsr" -text >"$work/token" 2>"$work/why" &&
        stamp=$(sed -n 's/^Time stamp: //p' "$work/token") && read_time "$stamp" &&
        # The authority's own certificate may have expired since.
        openssl ts -verify -data "$stamped" -in "$stamped.tsr" -CAfile "$authorities" -attime "$epoch" \
            >"$work/why" 2>&1; then
        : the time is proved
    else
        failed "the time stamp is not by an authority in $authorities:" "$work/why"
    fi
fi

# 8. The signature, at that time: keys may have expired since. Without a time stamp it is the time the bundle states.
signer=
if [ -f tagmanifest-sha256.txt.sig ]; then
    if [ -n "$signers" ]; then
        command -v ssh-keygen >/dev/null 2>&1 || cannot 'ssh-keygen is not installed'
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

# 9. The bundle before this one, where it is still beside it.
chain=
case $previous in
    '' | none) ;;
    *[!A-Za-z0-9_-]*) failed 'the name of the bundle before this one is no name' ;;
    *)
        chain="$previous is not here"
        if [ -r "../$previous/tagmanifest-sha256.txt" ]; then
            chain="follows $previous"
            hash_files "../$previous/tagmanifest-sha256.txt" >"$work/previous" || cannot "$previous cannot be read"
            [ "$(cut -c 1-64 "$work/previous")" = "$previous_seal" ] ||
                failed "the chain is broken: $previous is not what it was when this bundle was sealed"
        fi
        ;;
esac

[ -z "$bad" ] || exit 1
printf 'OK: %s files are exactly what was sealed at %s\n' "$(wc -l <"$work/actual.names" | tr -d ' ')" "${sealed_at:-an unknown time}"
printf 'seal: %s\n' "$seal"
[ -z "$chain" ] || printf 'chain: %s\n' "$chain"
if [ -n "$stamp" ]; then
    printf 'time: %s, by the time-stamping authority\n' "$stamp"
elif [ -f "$stamped.tsr" ]; then
    printf 'NOT CHECKED: the time stamp. Run again with -t tsa-ca.pem\n'
elif [ -n "$authority" ]; then
    printf 'time: the statement of the control node alone; %s was asked and gave no time stamp\n' "$authority"
fi
if [ -n "$signer" ]; then
    printf 'signer: %s\n' "$signer"
elif [ -f tagmanifest-sha256.txt.sig ]; then
    printf 'NOT CHECKED: the signature. Run again with -s allowed_signers\n'
    exit 3
else
    printf 'signer: none. Compare the seal with the ledger, or with the place it was published.\n'
fi
