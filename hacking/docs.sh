#!/usr/bin/env bash
# Check the documentation in plugins, roles and changelog fragments, and build the site: guides and reference.
# A warning is an error: a link that leads nowhere, a page that no other page leads to.
set -euo pipefail

# It copies the folder it looks at, so it gets one without the caches of development.
hacking/stage.sh build/docs-linted
antsibull-docs lint-collection-docs --plugin-docs build/docs-linted
antsibull-changelog lint

source=build/docs/source
rm -rf build/docs
install -d -m 755 build build/docs $source $source/reference
cp hacking/docsite/* $source
cp -r docs $source/guides
antsibull-docs collection --use-current --fail-on-error --squash-hierarchy --dest-dir $source/reference \
    encryption.in_transit
sphinx-build -q -W --keep-going -b html $source build/docs/html
echo "The site is in build/docs/html/index.html."
