#!/usr/bin/env bash
# Check the documentation in plugins, roles and changelog fragments, and write the reference as reStructuredText.
set -euo pipefail

antsibull-docs lint-collection-docs --plugin-docs .
antsibull-changelog lint
rm -rf build/docs
install -d -m 755 build build/docs
antsibull-docs collection --use-current --fail-on-error --squash-hierarchy --dest-dir build/docs encryption.in_transit
echo "The reference is in build/docs."
