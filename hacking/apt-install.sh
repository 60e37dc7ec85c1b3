#!/bin/sh
# apt-install.sh PURPOSE PACKAGE...: install the packages that are missing, by sudo when not root, saying so first.
# With DORMANT=yes no service of theirs is started (invoke-rc.d(8): exit status 101 of policy-rc.d forbids it).
set -eu

purpose=$1
shift
missing=
for package in "$@"; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true) in
        *' installed') ;;
        *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Missing for $purpose:$missing. Neither root nor sudo here; as root: apt-get install$missing" >&2
        exit 1
    fi
    sudo=sudo
fi
echo "Installing system packages for $purpose:$missing"
# Waits for another apt (a fresh machine's first unattended upgrade) instead of failing at its lock.
options="-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Acquire::Retries=3"
policy=/usr/sbin/policy-rc.d
if [ "${DORMANT:-}" = yes ] && [ ! -e $policy ]; then
    trap '$sudo rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
    $sudo chmod 755 $policy
fi
# shellcheck disable=SC2086  # lists of words
{
    $sudo apt-get $options update -qq
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get $options install -y -qq --no-install-recommends $missing
}
