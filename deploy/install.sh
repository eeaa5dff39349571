#!/bin/sh
# install.sh [--prefix DIR]   installs or upgrades: DIR (/opt/sightlog), links in
#                             /usr/local/bin, services, settings in /etc/sightlog
# install.sh --remove         removes them; settings and data stay
# install.sh --purge          removes the settings, too; the data stay
#
# It needs root. To try sightlog without installing it, run bin/sightlog where
# this archive was unpacked.
set -e
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
prefix=/opt/sightlog do=install
units="sightlog-mirror sightlog sightlog-detect sightlog-sink sightlog-broker" # as they are stopped: in the order of the data

fail() {
	echo "install.sh: $1" >&2
	exit 2
}
systemd() { [ ! -d /run/systemd/system ] || systemctl "$@"; }

remove_programs() {
	[ -e "$prefix/.sightlog" ] || return 0 # not ours
	rm -rf "$prefix"
	rm -f /usr/local/bin/sightlog /usr/local/bin/sightlogd
}

uninstall() {
	# shellcheck disable=SC2086 # a list
	systemd disable --now $units
	for unit in $units; do rm -f "/etc/systemd/system/$unit.service"; done
	systemd daemon-reload
	remove_programs
	[ "$do" != purge ] || rm -rf /etc/sightlog /var/cache/sightlog
	echo "sightlog is removed; its data stay in /var/lib/sightlog"
}

# The new tree is complete before it takes the place of the old one.
install_programs() {
	rm -rf "$prefix.new"
	mkdir -p "$prefix.new"
	cp -R "$here/." "$prefix.new/"
	chown -R root:root "$prefix.new"
	touch "$prefix.new/.sightlog"
	remove_programs
	rmdir "$prefix" 2>/dev/null || true
	mv "$prefix.new" "$prefix"
	mkdir -p /usr/local/bin
	for program in sightlog sightlogd; do ln -sfn "$prefix/bin/$program" "/usr/local/bin/$program"; done
}

install_services() {
	mkdir -p /etc/systemd/system
	for unit in $units; do
		sed "s|@BIN@|$prefix/bin|; s|@DOC@|$prefix/doc|" "$prefix/systemd/$unit.service" >"/etc/systemd/system/$unit.service"
	done
	systemd daemon-reload
}

active() { # the services that run
	[ -d /run/systemd/system ] || return 0
	for unit in $units; do
		if systemctl -q is-active "$unit"; then echo "$unit"; fi
	done
}

# The whole file is read before a line of it runs: it may replace itself.
main() {
	while [ $# -gt 0 ]; do
		case $1 in
		--prefix)
			prefix=${2:-}
			[ $# -eq 1 ] || shift
			;;
		--remove) do=remove ;;
		--purge) do=purge ;;
		*) fail "unknown argument $1; it takes --prefix DIR, --remove or --purge" ;;
		esac
		shift
	done
	case $prefix in
	/ | "" | [!/]*) fail "--prefix is not the path of a directory: '$prefix'" ;;
	esac
	[ "$(id -u)" = 0 ] || fail "run it as root: sudo $0"
	if [ "$do" != install ]; then
		uninstall
		return
	fi
	if [ ! -e "$prefix/.sightlog" ] && [ -n "$(ls -A "$prefix" 2>/dev/null)" ]; then
		fail "$prefix is there and not sightlog's; give another --prefix"
	fi
	running=$(active)
	install_programs
	sh "$prefix/account.sh" /etc/sightlog
	[ -e /etc/sightlog/sightlog.yaml ] || install -m 644 "$prefix/sightlog.yaml" /etc/sightlog/sightlog.yaml
	install_services
	# shellcheck disable=SC2086 # a list
	[ -z "$running" ] || systemd restart $running
	"$prefix/bin/sightlog" version
	echo "Put your cameras into /etc/sightlog/cameras.txt, then: systemctl enable --now sightlog"
}
main "$@"
exit
