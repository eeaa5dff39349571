#!/usr/bin/env bash
# deb-version.sh VERSION TIME   prints the Debian version for what version.sh printed.
# dpkg orders 0.1.0~rc1 < 0.1.0 < 0.1.0+5.gabc < 0.2.0; a commit without a tag before it
# has 0~ and the time (as date(1) reads it), so that a later one is newer.
set -euo pipefail
version=$1 when=$2
if [[ ! $version =~ ^v?[0-9]+\. ]]; then
	echo "0~$(date -u -d "$when" +%Y%m%d%H%M%S).${version//-/\~}"
	exit
fi
echo "${version#v}" | sed -E 's/-dirty$/+0dirty/; s/-([0-9]+)-g/+\1.g/; s/-/~/g'
