#!/bin/sh
# After the installation and each upgrade of the package.
set -e
/bin/sh /usr/lib/sightlog/account.sh /etc/sightlog
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
for unit in sightlog sightlog-broker sightlog-sink sightlog-detect sightlog-mirror; do
	if systemctl -q is-active "$unit"; then # with the programs of before
		systemctl restart "$unit"
	fi
done
