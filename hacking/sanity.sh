#!/usr/bin/env bash
# sanity.sh BIN: `ansible-test sanity` on a staged copy of what the collection ships.
set -euo pipefail

bin=$(cd "$1" && pwd)
here=$PWD
staged=$here/build/sanity/ansible_collections/encryption/in_transit

# Tests and development tools are no part of the collection; hacking/lint.sh looks at them by their own rules.
hacking/stage.sh "$staged" ':!:.ci' ':!:hacking' ':!:lab' ':!:molecule' ':!:tests'
cd "$staged"
# ansible-test asks git for the files; inside our ignored build folder it would find none, and pass.
git init --quiet .
git add --all

# Its environments get pip from Python itself, so that no host besides the package index has to be reachable.
cached=$HOME/.ansible/test/cache/get_pip_24_2.py
if [ ! -e "$cached" ]; then
    mkdir -p "${cached%/*}"
    cp "$here/hacking/get_pip.py" "$cached"
fi

# A pyenv shim exists for every Python of the machine and works for few; the Pythons themselves all work.
if command -v pyenv >/dev/null; then
    PATH=$(printf '%s:' "$(pyenv root)"/versions/*/bin)$PATH
fi
PATH=$bin:$PATH

ansible-test sanity --color no "${@:2}" 2>&1 | tee "$here/build/sanity/output.txt"
if grep -q 'All targets skipped' "$here/build/sanity/output.txt"; then
    echo "ansible-test looked at no file at all" >&2
    exit 1
fi
