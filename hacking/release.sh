#!/usr/bin/env bash
# release.sh TARBALL: what is published together, below build/release: the tarball, what it needs (CycloneDX), and the
# checksums of both. Only of a commit that is tagged with its version and described in the changelog; a rehearsal
# (REHEARSAL=1) says what is missing and goes on.
set -euo pipefail

tarball=$1
version=$(sed -n 's/^version: //p' galaxy.yml)
missing() {
    echo "release: $1" >&2
    [ "${REHEARSAL:-}" = 1 ] || exit 1
}

[ -z "$(git status --porcelain --untracked-files=no)" ] || missing "tracked files are changed: commit them first"
[ "$(git tag --points-at HEAD | grep -Fx "$version")" = "$version" ] || missing "HEAD is not tagged $version: git tag --sign $version"
grep -q "^## v$version\$" CHANGELOG.md || missing "CHANGELOG.md does not tell of $version: antsibull-changelog release"

release=build/release
rm -rf $release
install -d $release
cp "$tarball" $release
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
python hacking/sbom.py "$version" "$tarball" > "$release/encryption-in_transit-$version.cdx.json"
(cd $release && sha256sum encryption-* > SHA256SUMS)
cat $release/SHA256SUMS
echo "The release is in $release. Sign it: ssh-keygen -Y sign -n file -f KEY $release/SHA256SUMS"
