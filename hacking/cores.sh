#!/usr/bin/env bash
# cores.sh DEV BIN...: under the ansible-core of each environment: the documentation of every plugin and role, the
# syntax of every playbook, where a warning of deprecation is an error, and the unit tests of whatever touches Ansible.
# The tests of DEV run elsewhere; - means that all are meant. meta/runtime.yml promises no less.
set -euo pipefail

# Facts as variables of their own are on their way out of ansible-core, and nothing here may need them.
export ANSIBLE_INJECT_FACT_VARS=false ANSIBLE_DEPRECATION_WARNINGS=true

for bin in "$@"; do
    [ "$bin" != - ] || continue
    echo "-- $("$bin/ansible" --version | sed -n 1p)"
    export PATH=$bin:$PATH ANSIBLE_COLLECTIONS_PATH=$PWD/.ansible/collections
    for kind in module filter lookup callback role; do
        plugins=$(ansible-doc --type "$kind" --list encryption.in_transit 2>/dev/null | awk '{ print $1 }')
        # shellcheck disable=SC2086  # names
        [ -z "$plugins" ] || ansible-doc --type "$kind" --json $plugins >/dev/null
    done
    playbooks=(playbooks/*.yml)
    playbooks=("${playbooks[@]#playbooks/}")
    playbooks=("${playbooks[@]%.yml}")
    said=$(ansible-playbook --inventory localhost, --syntax-check "${playbooks[@]/#/encryption.in_transit.}" 2>&1) ||
        { echo "$said"; exit 1; }
    if grep -F 'DEPRECATION WARNING' <<<"$said"; then exit 1; fi
    # The environment of development runs all of them anyway; what modules share knows Ansible by its module API only,
    # which the tests of the modules go through.
    [ "$bin" = "$1" ] || "$bin/python" -m pytest --quiet --numprocesses 2 --dist loadgroup -p no:cacheprovider \
        tests/unit/plugins/{action,filter,modules}
done
