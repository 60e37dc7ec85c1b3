#!/usr/bin/env bash
# stage.sh DIRECTORY [PATHSPEC...]: copy the tracked files to DIRECTORY, as they are in the working tree.
# ansible-test insists on a path ending in ansible_collections/<namespace>/<name>, and a release must hold nothing
# that merely lies around.
set -eu

target=$1
shift
rm -rf "$target"
mkdir -p "$target"
# A file that is deleted in the working tree is still listed until the deletion is committed.
git ls-files -z -- . "$@" | while IFS= read -r -d '' file; do [ -e "$file" ] || [ -L "$file" ] && printf '%s\0' "$file"; done |
    xargs -0 cp --parents --no-dereference --preserve=mode -t "$target"
