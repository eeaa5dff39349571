#!/usr/bin/env bash
# Prints the version: of a checkout what git says, of an archive of the sources
# the commit that it was made of. A repository around an archive is not asked.
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "$0")/.."
here=$(pwd -P)
git() { command git -c "safe.directory=$here" "$@" 2>/dev/null; } # the clone may be another user's
# shellcheck disable=SC2016 # git archive fills it in
archived='$Format:%h$'

if [ "$(git rev-parse --show-toplevel)" = "$here" ]; then
	git describe --tags --always --dirty && exit
fi
case $archived in
*Format*) echo dev ;;
*) echo "$archived" ;;
esac
