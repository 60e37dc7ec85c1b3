#!/usr/bin/env bash
# importer.sh BIN TARBALL: import the tarball as Galaxy does, by Galaxy's own program. A warning is an error.
set -euo pipefail

bin=$(cd "$1" && pwd)
tarball=$(realpath "$2")
work=build/importer
rm -rf $work
install -d $work
cd $work  # it leaves its result where it runs
# The default folder for what it unpacks is a home's, and other collections there are none of its business.
export PATH=$bin:$PATH GALAXY_IMPORTER_ANSIBLE_LOCAL_TMP=$PWD/tmp ANSIBLE_HOME=$PWD/home
python -m galaxy_importer.main "$tarball" 2>&1 | tee output.txt
if grep -E '^(WARNING|ERROR|CRITICAL)' output.txt; then
    echo "importer: Galaxy would not be content, see above. A time-out of ansible-lint (180 s) wants a quieter machine." >&2
    exit 1
fi
