#!/usr/bin/env bash
# core_play.sh BIN ARGUMENT...: the playbooks on one real, neglected host, by the ansible-core of BIN; the arguments go to
# ansible-playbook. Any warning is an error.
set -euo pipefail

bin=$1
shift
arguments=("$@")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

export PATH=$bin:$PATH ANSIBLE_COLLECTIONS_PATH=$PWD/.ansible/collections ANSIBLE_NOCOLOR=true
export ANSIBLE_INJECT_FACT_VARS=false ANSIBLE_DEPRECATION_WARNINGS=true
# Text that came from hosts or modules and is taken for a template, or loses its origin: an error since 2.19, where
# these settings begin.
export _ANSIBLE_TEMPLAR_UNTRUSTED_TEMPLATE_BEHAVIOR=error _ANSIBLE_TEMPLAR_UNKNOWN_TYPE_CONVERSION=error

# play STATUS WORDS PLAYBOOK ARGUMENT...: it ends with the status, says the words, and warns of nothing.
play() {
    local wanted=$1 words=$2 playbook=encryption.in_transit.$3 status=0
    shift 3
    ansible-playbook "${arguments[@]}" -e "in_transit_evidence_dir=$work/evidence" "$playbook" "$@" \
        >"$work/said" 2>&1 || status=$?
    if [ "$status" != "$wanted" ] || ! grep -q -- "$words" "$work/said" || grep -q 'WARNING\]' "$work/said"; then
        cat "$work/said"
        echo "core_play: $playbook $* ended with $status, wanted was $wanted, '$words' and no warning" >&2
        exit 1
    fi
}

ansible-playbook --version | sed -n '1s/^/-- /p; s/^ *python version = \([^ ]*\).*/   Python \1/p'
play 2 NON-COMPLIANT verify
play 0 'would change' harden --check --diff
play 0 hardened harden
play 0 unchanged harden
play 0 'evidence sealed' evidence
play 0 '1 held' drift
sh "$work"/evidence/*Z-*/verify.sh >/dev/null
echo "   verify, harden --check, harden, harden again, evidence, drift: as they should"
