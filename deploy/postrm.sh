#!/bin/sh
# After the package was removed. The data, and the account that owns them, stay
# even when it is purged.
set -e
[ ! -d /run/systemd/system ] || systemctl daemon-reload
[ "$1" = purge ] || exit 0
rm -rf /var/cache/sightlog
rm -f /etc/sightlog/cameras.txt /etc/sightlog/environment
rmdir /etc/sightlog 2>/dev/null || true
for data in /var/lib/sightlog/*; do
	[ ! -e "$data" ] || echo "sightlog: its data stay in $data"
done
rmdir /var/lib/sightlog 2>/dev/null || true
