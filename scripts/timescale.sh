#!/usr/bin/env bash
# Builds TimescaleDB, which Debian does not have, into a copy of PostgreSQL's programs
# (lib/timescale), so that the system's stay as they are: for `make test-timescale`.
# TIMESCALE_SOURCE is a directory that has the sources, where they cannot be fetched.
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "$0")/.."

# The last version for PostgreSQL 15 to 18. The sum is that of the archive without its
# compression.
version=2.28.3
sum=5d4522d148df07be3a1fbc9dd3ecba1edf2063eaa1445f8d33f539cd3376018e
url=https://github.com/timescale/timescaledb/archive/refs/tags/$version.tar.gz
dir=$PWD/lib/timescale
log=$PWD/lib/timescale.log
source=${TIMESCALE_SOURCE:-}

fail() {
	echo "timescale: $*" >&2
	exit 1
}

if [ -f "$dir/built-$version" ]; then
	echo "timescale    $version there already"
	exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -z "$source" ]; then
	echo "timescale    the sources of $version, 5 MB"
	curl -fsSL --connect-timeout 10 --speed-limit 1000 --speed-time 30 "$url" | gunzip >"$work/sources.tar" ||
		fail "$url does not answer; give a directory with the sources: make test-timescale TIMESCALE_SOURCE=DIR"
	echo "$sum  $work/sources.tar" | sha256sum --check --status || fail "$url has not the pinned sources (sha256 differs)"
	tar -xf "$work/sources.tar" -C "$work"
	source=$work/timescaledb-$version
fi
[ -f "$source/version.config" ] || fail "$source has no sources of TimescaleDB"
grep -qx "version = $version" "$source/version.config" || fail "$source has not version $version of TimescaleDB"

major=$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -n | tail -n 1)
scripts/setup.sh --packages cmake make libssl-dev "postgresql-server-dev-$major"
rm -rf "$dir"
mkdir -p "$dir"/{lib,share,include}/postgresql
cp -a "/usr/lib/postgresql/$major" "$dir/lib/postgresql/"
cp -a "/usr/share/postgresql/$major" "$dir/share/postgresql/"
cp -a /usr/include/postgresql/. "$dir/include/postgresql/"
ln -s "lib/postgresql/$major/bin" "$dir/bin"

echo "timescale    building $version for PostgreSQL $major, some minutes"
{
	cmake -S "$source" -B "$work/build" -DPG_CONFIG="$dir/bin/pg_config" -DCMAKE_BUILD_TYPE=Release -DUSE_TELEMETRY=OFF \
		-DREGRESS_CHECKS=OFF -DTAP_CHECKS=OFF -DWARNINGS_AS_ERRORS=OFF &&
		make -C "$work/build" -j "$(nproc)" install
} >"$log" 2>&1 || fail "it could not be built; $log has everything that was printed"
touch "$dir/built-$version"
