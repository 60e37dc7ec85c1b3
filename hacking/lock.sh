#!/usr/bin/env bash
# lock.sh VERSION...: resolve every *.in file anew for all Pythons from 3.11 on, with hashes.
# VERSION is an ansible-core release that gets an environment of its own in `make test-core`.
set -euo pipefail

compile() {  # PYTHON ARGUMENT...
    uv pip compile --quiet --upgrade --universal --python-version "$1" --generate-hashes --no-emit-index-url \
        --custom-compile-command 'make lock' "${@:2}"
}

compile 3.11 requirements.in --output-file requirements.txt
compile 3.11 requirements-dev.in --constraint requirements.txt --output-file requirements-dev.txt
compile 3.11 tests/cores/importer.in --output-file tests/cores/importer.txt
for version in "$@"; do
    [ "${version#2.}" -lt 20 ] && python=3.11 || python=3.12  # what ansible-core 2.20 begins with
    { cat tests/cores/tests.in; echo "ansible-core ~= $version.0"; } |
        compile "$python" - --output-file "tests/cores/$version.txt"
done
