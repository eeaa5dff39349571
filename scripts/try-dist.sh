#!/usr/bin/env bash
# try-dist.sh [SUITE|DIR] [BEFORE]   tries dist/ on a bare system, as root
#
# SUITE is bookworm (the default) or another that debootstrap makes; DIR is a bare
# system that debootstrap made before. BEFORE is the dist/ of the version to
# upgrade from; without it, that is the same one. The package is tried on the
# release that it was built on, the archive on any.
#
# Tried are the archive (as an ordinary user where it is unpacked, then by
# install.sh) and the package: install, run on a clip, upgrade over a filled data
# directory, remove, purge. There, services are run by their units' ExecStart, as
# their user. Where systemd-nspawn is installed the package's services run under
# systemd, too (try-services.sh): enabled, killed, stopped. All of it happens in namespaces and below
# a temporary directory, which is removed.
# shellcheck disable=SC2317 # expect calls functions by name
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "$0")/.."

# outside makes the bare system and runs this script again in namespaces.
outside() {
	suite=${1:-bookworm} before=${2:-dist}
	[ "$(id -u)" = 0 ] || { echo "try-dist: run it as root" >&2 && exit 2; }
	top=$(mktemp -d)
	trap 'rm -rf --one-file-system "$top"' EXIT
	if [ -d "$suite" ]; then
		base=$suite
	else
		base=$top/base
		command -v debootstrap >/dev/null || { echo "try-dist: install debootstrap, or name a directory that it made" >&2 && exit 2; }
		echo "== debootstrap $suite"
		debootstrap --variant=minbase "$suite" "$base" >"$top/log" 2>&1 || { tail -n 20 "$top/log" >&2 && exit 1; }
	fi
	parts=(archive package)
	if command -v systemd-nspawn >/dev/null; then parts+=(services); else echo "== services: no systemd-nspawn, not tried"; fi
	if [ "$(codename "$base")" != "$(codename /)" ]; then
		echo "== package: built for $(codename /), not tried on $(codename "$base")"
		parts=(archive)
	fi
	for part in "${parts[@]}"; do
		mkdir -p "$top/$part"
		local pid=(--pid --fork --kill-child)
		[ "$part" != services ] || pid=() # systemd-nspawn makes one
		unshare --mount "${pid[@]}" "$0" --inside "$part" "$(realpath "$base")" "$top/$part" "$(realpath "$before")"
	done
	echo "try-dist: ${parts[*]}: all of it passed on $(codename "$base")"
}

codename() { sed -n 's/^VERSION_CODENAME=//p' "$1/etc/os-release"; }

# enter makes $root: the bare system, on which all that changes is $top's.
enter() {
	mkdir -p "$top/upper" "$top/work" "$root"
	mount -t overlay overlay -o "lowerdir=$base,upperdir=$top/upper,workdir=$top/work" "$root"
	mount -t proc proc "$root/proc"
	mount --rbind /dev "$root/dev"
	mount -t tmpfs -o mode=1777 tmp "$root/tmp"
	cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
	cp -R /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
	mkdir -p "$root/srv/new" "$root/srv/before"
	cp dist/* "$root/srv/new/"
	cp "$before"/* "$root/srv/before/"
	cp samples/vtest.avi "$root/srv/"
	cp -L /etc/ssl/certs/ca-certificates.crt "$root/srv/" 2>/dev/null || true
	in_root useradd --create-home person
}

in_root() {
	chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"
}
as() { # USER SCRIPT
	in_root setpriv --reuid "$1" --regid "$1" --init-groups env HOME="/home/$1" bash -euo pipefail -c "$2"
}
quiet() { "$@" >"$top/log" 2>&1 || { tail -n 30 "$top/log" >&2 && fail "$*"; }; }
fail() {
	echo "try-dist: $what: $*" >&2
	exit 1
}
say() { echo "== $what: $*"; }
expect() { # TEXT COMMAND…
	local text=$1 out
	shift
	out=$("$@" 2>&1) || fail "$*: $out"
	[[ $out == *"$text"* ]] || fail "$*: no '$text' in: $out"
	echo "$out" | grep -F "$text" | head -n 1
}
gone() { for path in "$@"; do [ ! -e "$root$path" ] || fail "$path is still there"; done; }
there() { for path in "$@"; do [ -e "$root$path" ] || fail "$path is gone"; done; }
licences() { # DIRECTORY FILE…: none is missing or empty
	local dir=$1
	shift
	for path in "$@" onnxruntime-ThirdPartyNotices.txt go/go/LICENSE go/github.com/jackc/pgx; do
		[ -s "$root$dir/$path" ] || fail "$dir/$path is missing"
	done
}

apt_install() { quiet in_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@"; }

# service runs sightlog.service's command as its user until the clip has ended.
service() {
	local command
	command=$(sed -n 's/^ExecStart=//p' "$root$1/sightlog.service")
	mkdir -p "$root/var/lib/sightlog/data" # StateDirectory
	in_root chown sightlog:sightlog /var/lib/sightlog/data
	chmod 750 "$root/var/lib/sightlog/data"
	as sightlog "cd /var/lib/sightlog/data && $command --pace fast"
}
rows() { as sightlog "sightlog query sql --format csv --data /var/lib/sightlog/data 'select count(*) from sightings'"; }

settings() { # of the person's own, which upgrades keep
	echo "street=/srv/vtest.avi" >>"$root/etc/sightlog/cameras.txt"
	echo "# mine" >>"$root/etc/sightlog/sightlog.yaml"
}
kept() {
	grep -q '^street=' "$root/etc/sightlog/cameras.txt" || fail "the cameras are gone"
	grep -q '^# mine' "$root/etc/sightlog/sightlog.yaml" || fail "the settings are gone"
}

try_archive() {
	local name
	name=$(basename dist/*.tar.gz .tar.gz)
	say "unpacked by an ordinary user, in a directory with a space"
	as person "mkdir -p ~/'a b' && tar -xzf /srv/new/$name.tar.gz -C ~/'a b'"
	as person "! ldd ~/'a b'/$name/bin/sightlog | grep 'not found'" || fail "libraries are missing"
	expect "sightlog " as person "cd && 'a b'/$name/bin/sightlog version"
	expect "no PostgreSQL" as person "cd && 'a b'/$name/bin/sightlog run --source street=/srv/vtest.avi 2>&1 || [ \$? = 2 ]"
	quiet in_root apt-get update
	apt_install postgresql
	expect "795 frames" as person "cd && 'a b'/$name/bin/sightlog run --source street=/srv/vtest.avi --pace fast"
	say "moved"
	as person "mv ~/'a b' ~/moved"
	expect "795" as person "cd && moved/$name/bin/sightlog query sql 'select count(*) from sightings'"
	say "install.sh of the version before, run, upgrade, run"
	quiet in_root tar -xzf "/srv/before/$(basename "$before"/*.tar.gz)" -C /root
	quiet in_root sh -c "/root/*/install.sh && rm -r /root/sightlog-*"
	settings
	expect "795 frames" service /etc/systemd/system
	quiet in_root tar -xzf "/srv/new/$name.tar.gz" -C /root
	quiet in_root "/root/$name/install.sh"
	licences /opt/sightlog/licences PACKAGES sightlog.txt ../LICENSE
	kept
	expect "795 frames" service /etc/systemd/system
	expect "1590" rows
	say "remove and purge"
	quiet in_root /opt/sightlog/install.sh --remove
	gone /opt/sightlog /usr/local/bin/sightlog /etc/systemd/system/sightlog.service
	there /var/lib/sightlog/data/log /etc/sightlog/cameras.txt
	quiet in_root "/root/$name/install.sh"
	quiet in_root "/root/$name/install.sh" --purge
	gone /opt/sightlog /etc/sightlog
	there /var/lib/sightlog/data/log
}

try_package() {
	say "the package of the version before, run, upgrade, run"
	quiet in_root apt-get update
	apt_install postgresql "/srv/before/$(basename "$before"/*.deb)"
	settings
	expect "795 frames" service /usr/lib/systemd/system
	apt_install -o Dpkg::Options::=--force-confold --reinstall "/srv/new/$(basename dist/*.deb)"
	kept
	licences /usr/share/doc/sightlog/licences ../copyright
	expect "795 frames" service /usr/lib/systemd/system
	expect "1590" rows
	say "remove and purge"
	quiet in_root apt-get -q -y remove sightlog
	gone /usr/bin/sightlog /usr/lib/systemd/system/sightlog.service
	there /var/lib/sightlog/data/log /etc/sightlog/cameras.txt /etc/sightlog/sightlog.yaml
	quiet in_root apt-get -q -y purge sightlog
	gone /etc/sightlog /usr/lib/sightlog
	there /var/lib/sightlog/data/log
}

try_services() {
	say "the services under systemd: enabled, killed, stopped"
	quiet in_root apt-get update
	apt_install systemd systemd-sysv dbus postgresql "/srv/new/$(basename dist/*.deb)"
	cp scripts/try-services.sh "$root/root/try.sh"
	cat >"$root/etc/systemd/system/try.service" <<-END
		[Service]
		Type=oneshot
		ExecStart=bash /root/try.sh
		ExecStopPost=systemctl --no-block poweroff
		StandardOutput=file:/root/try.log
		StandardError=file:/root/try.log
		[Install]
		WantedBy=multi-user.target
	END
	quiet in_root systemctl enable try.service
	umount "$root/proc" "$root/tmp"
	umount --recursive "$root/dev"
	timeout 1800 systemd-nspawn --quiet --boot --private-network --register=no --keep-unit -D "$root" >"$top/log" 2>&1 || true # how it ended is in try.log
	[ "$(tail -n 1 "$root/root/try.log")" = passed ] || { tail -n 30 "$top/log" "$root/root/try.log" >&2 && fail "it did not pass"; }
	grep '^[^+].*sightings committed' "$root/root/try.log"
}

# The whole file is read before a line of it runs.
main() {
	if [ "${1:-}" != --inside ]; then
		outside "$@"
		return
	fi
	what=$2 base=$3 top=$4 before=$5 root=$4/root
	enter
	case $what in
	archive) try_archive ;;
	package) try_package ;;
	services) try_services ;;
	esac
}
main "$@"
exit
