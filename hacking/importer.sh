#!/usr/bin/env bash
# importer.sh BIN TARBALL: import the tarball as Galaxy does, by Galaxy's own program. A warning is an error.
set -euo pipefail

bin=$(cd "$1" && pwd)
tarball=$(realpath "$2")
work=build/importer
unpacked=ansible_collections/encryption/in_transit
rm -rf $work
install -d $work/$unpacked
cd $work  # it leaves its result where it runs
# Its folder for what it unpacks is a home's, and what else lies there is none of its business.
export PATH=$bin:$PATH GALAXY_IMPORTER_ANSIBLE_LOCAL_TMP=$PWD/tmp ANSIBLE_HOME=$PWD/home ANSIBLE_LOCAL_TEMP=$PWD/tmp
# It gives ansible-lint 180 seconds by the clock, whatever else the machine does: below, the same without.
GALAXY_IMPORTER_RUN_ANSIBLE_LINT=false python -m galaxy_importer.main "$tarball" 2>&1 | tee output.txt
if grep -E '^(WARNING|ERROR|CRITICAL)' output.txt; then
    echo 'importer: Galaxy would not be content, see above' >&2
    exit 1
fi
tar -x -z -C $unpacked -f "$tarball"
cd $unpacked
# The command of galaxy_importer/loaders/collection.py.
ANSIBLE_COLLECTIONS_PATH=${PWD%/encryption/in_transit} ansible-lint --offline --profile production --format pep8 --nocolor \
    -x yaml,var-naming,avoid-dot-notation,import-task-no-when,single-entry-point,use-loop
