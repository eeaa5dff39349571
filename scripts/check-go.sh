#!/usr/bin/env bash
# Checks that a Go is there which can build sightlog: from 1.21 on it fetches the
# version that go.mod names by itself; an older one cannot even read go.mod.
set -euo pipefail

fix='install a newer one (on Debian 12, golang-go from bookworm-backports) and make again'
go=$(command -v go) || {
	echo "make: no go on the PATH; sightlog needs Go 1.21 or newer: install one and make again" >&2
	exit 2
}
# From a directory without a go.mod, which could make it fetch another version.
version=$(cd / && GOTOOLCHAIN=local "$go" version) || exit 2
if [[ $version =~ go1\.([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -lt 21 ]; then
	echo "make: $go is Go 1.${BASH_REMATCH[1]}; sightlog needs Go 1.21 or newer: $fix" >&2
	exit 2
fi
