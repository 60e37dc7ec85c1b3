#!/usr/bin/env bash
# cores_next.sh VERSION... -- BIN...: the playbooks on one real host, under every ansible-core. Releases that need a newer
# Python than ours (VERSION) run on that host, which is Debian 13, and get the checks of cores.sh there, too; the
# environments of others (BIN) manage it from here.
set -euo pipefail

host=(ssh -F build/lab/ssh/cores.config controller)
inventory=build/lab/cores/inventory
versions=()
while [ "$1" != -- ]; do versions+=("$1"); shift; done
shift
trap 'python3 lab/lab.py --fleet cores down' EXIT

neglected() { python3 lab/lab.py --fleet cores reset; }

for bin in "$@"; do
    neglected
    hacking/core_play.sh "$bin" -i $inventory
done

for version in "${versions[@]}"; do
    # Fetched here, because a host of the lab reaches no index.
    wheels=.cache/wheels-$version
    python3 -m pip download -qq --python-version 3.13 --only-binary :all: --require-hashes \
        --requirement "tests/cores/$version.txt" --dest "$wheels"
    neglected
    # As big as a checkout is without what lies around.
    hacking/stage.sh build/cores
    mkdir -p build/cores/build/lab build/cores/.ansible/collections/ansible_collections/encryption
    ln -sfn ../../../.. build/cores/.ansible/collections/ansible_collections/encryption/in_transit
    cp -r "$wheels" build/cores/wheels
    cp -r build/lab/cores build/cores/build/lab
    tar -c -C build/cores . | "${host[@]}" 'mkdir /srv/checkout && tar -x -C /srv/checkout'
    "${host[@]}" "set -e; cd /srv/checkout; python3 -m venv /srv/core
        /srv/core/bin/pip install -qq --no-index --find-links wheels --require-hashes -r tests/cores/$version.txt
        hacking/core_play.sh /srv/core/bin -i $inventory -e ansible_connection=local \
            -e '{\"in_transit_ca_path\": [\"/etc/ssl/hospital/ca.crt\"]}'
        hacking/cores.sh - /srv/core/bin"
done
