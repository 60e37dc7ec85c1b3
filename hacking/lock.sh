#!/usr/bin/env bash
# lock.sh VERSION...: resolve every *.in file anew for all Pythons from 3.11 on, with hashes.
# VERSION is an ansible-core release that gets an environment of its own in `make test-core`.
set -euo pipefail

compile() {
    uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --custom-compile-command 'make lock' "$@"
}

compile requirements.in --output-file requirements.txt
compile requirements-dev.in --constraint requirements.txt --output-file requirements-dev.txt
compile tests/cores/importer.in --output-file tests/cores/importer.txt
for version in "$@"; do
    { cat tests/cores/tests.in; echo "ansible-core ~= $version.0"; } |
        compile - --output-file "tests/cores/$version.txt"
done
