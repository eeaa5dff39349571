#!/bin/sh
# Before the package is removed; an upgrade restarts the services afterwards.
set -e
[ "$1" = remove ] || exit 0
[ -d /run/systemd/system ] || exit 0
systemctl disable --now sightlog-mirror sightlog sightlog-detect sightlog-sink sightlog-broker
