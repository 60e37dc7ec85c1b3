#!/usr/bin/env bash
# Every linter is run, whatever the ones before it found.
set -uo pipefail

status=0
run() {
    echo "-- $*"
    "$@" || status=1
}

run ruff check --quiet .
run ruff format --quiet --check .
run mypy --package ansible_collections.encryption.in_transit.plugins
run env --chdir=lab MYPYPATH="$PWD/.ansible/collections" \
    mypy --config-file "$PWD/pyproject.toml" --cache-dir "$PWD/.mypy_cache" lab.py demo.py
run env --chdir=tests/soak MYPYPATH="$PWD/.ansible/collections:$PWD/lab" \
    mypy --config-file "$PWD/pyproject.toml" --cache-dir "$PWD/.mypy_cache" soak.py
run mypy tests/bench/run.py
run yamllint --strict .
mapfile -t scripts < <(git grep --name-only --extended-regexp --line-number '^#!/(bin/|usr/bin/env )(ba)?sh' | cut -d: -f1)
run shellcheck "${scripts[@]}"
run ansible-lint --offline --profile production
exit $status
