#!/usr/bin/env bash
# Removes what `make setup` and `make` put on this machine, except packages and
# the data of your own runs: it says where those are.
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "$0")/.."

if [ -s lib/packages ]; then
	echo "Packages that setup installed stay; to remove them:"
	echo "  sudo apt-get autoremove --purge $(sort -u lib/packages | tr '\n' ' ')"
fi
conf=/etc/postgresql-common/createcluster.d/sightlog.conf
[ ! -e "$conf" ] || echo "The setting that kept PostgreSQL's package from starting a server stays: $conf"
rm -rf bin dist out lib samples
echo "Removed: bin, dist, lib, out, samples in $PWD"
for data in sightlog-data /var/lib/sightlog; do
	[ ! -e "$data" ] || echo "Your data stay: $(realpath "$data")"
done
