#!/bin/sh
# account.sh ETC: makes the account and the settings of sightlog's services in
# the directory ETC, where they are missing. The package and install.sh run it.
set -e
etc=$1

getent group sightlog >/dev/null || groupadd --system sightlog
getent passwd sightlog >/dev/null ||
	useradd --system --gid sightlog --no-create-home --home-dir /var/lib/sightlog/data --shell /usr/sbin/nologin sightlog
mkdir -p "$etc" /var/lib/sightlog
chmod 755 /var/lib/sightlog # the private databases of runs as root lie below it

# secret NAME TEXT: a file that root writes and the services may read.
secret() {
	[ -e "$etc/$1" ] || (umask 077 && echo "$2" >"$etc/$1")
	chown root:sightlog "$etc/$1"
	chmod 640 "$etc/$1"
}
secret cameras.txt '# NAME=ADDRESS, one a line: door=rtsp://user:password@192.0.2.7/stream'
secret environment '# NAME=VALUE, one a line: SIGHTLOG_DATABASE_URL=postgres://user:password@192.0.2.9/sightlog'
