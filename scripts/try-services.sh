#!/usr/bin/env bash
# try-services.sh   the units under systemd. try-dist.sh runs it, as root, on the
# bare system that it booted, where the package is installed: first the unit of
# `run`, then those of the stages. The last line that it prints is "passed".
set -euxo pipefail

# table SQL asks from (a data directory or a database) as the services' user.
table() { setpriv --reuid sightlog --regid sightlog --init-groups sightlog query sql --format csv "${from[@]}" "$1" | tail -n +2; }
count() { n=$(table 'select count(*) from sightings' || echo 0); }
more_than() {
	for _ in $(seq 300); do
		sleep 1
		count
		[ "$n" -le "$1" ] || return 0
	done
	return 1
}
property() { systemctl show -p "$2" --value "$1"; }
# A service that waits to be started again has no process yet: 0.
again() { # UNIT PID: runs anew
	for _ in $(seq 300); do
		case $(property "$1" MainPID) in 0 | "$2") sleep 1 ;; *) return 0 ;; esac
	done
	return 1
}
killed() { # UNIT [OPTION]: systemd starts it again, and rows go on
	local pid before
	pid=$(property "$1" MainPID)
	count
	before=$n
	systemctl kill -s KILL "${@:2}" "$1"
	again "$1" "$pid"
	count
	more_than "$(((n > before ? n : before) + 20))" # not those that were on their way
}
# ended UNIT: it stopped by itself, in time and with exit code 0; no process is left.
ended() {
	[ "$(property "$1" Result)" = success ]
	[ "$(property "$1" ExecMainCode) $(property "$1" ExecMainStatus)" = "1 0" ]
	[ -z "$(cat /sys/fs/cgroup/{,systemd/,unified/}"system.slice/$1.service/cgroup.procs" 2>/dev/null)" ]
}
no_gaps() { [ "$(table 'select count(*) from (select from sightings group by camera_id, run_id having count(*) <> max(seq) - min(seq) + 1) gaps')" = 0 ]; }

one_service() {
	from=(--data /var/lib/sightlog/data)
	systemctl enable --now sightlog
	more_than 50
	killed sightlog --kill-who=main
	systemctl stop sightlog
	ended sightlog
	no_gaps
	journalctl -u sightlog --no-pager | grep 'sightings committed'
	systemctl disable sightlog
}

# each_once: the tables have each record of the log, which has each frame once.
each_once() {
	for _ in $(seq 30); do
		timeout 10 sightlogd topics tail sightings --brokers 127.0.0.1:9092 --beginning |
			sed -E 's/.*"event_id":"([^"]*)".*/\1/' | sort >/tmp/log || true
		table "select camera || '/' || run || '/' || seq from v_sightings" | sort >/tmp/tables
		if cmp -s /tmp/log /tmp/tables; then
			return 0
		fi
	done
	diff /tmp/log /tmp/tables | head -n 20
	return 1
}

stages() {
	local stages=(sightlog-broker sightlog-sink sightlog-detect) stage ends
	local stopping=(sightlog-detect sightlog-sink sightlog-broker)
	from=(--database-url 'postgres:///sightlog?host=/run/postgresql')
	# As docs/operations.md says it.
	runuser -u postgres -- createuser sightlog
	runuser -u postgres -- createdb --owner sightlog sightlog
	echo 'SIGHTLOG_DATABASE_URL=postgres:///sightlog?host=/run/postgresql' >>/etc/sightlog/environment
	systemctl enable --now "${stages[@]}"
	more_than 50
	for stage in "${stages[@]}"; do killed "$stage"; done
	for stage in "${stages[@]}"; do # none fell with another
		[ "$(property "$stage" NRestarts)" = 1 ]
	done
	# The file went on where it was, to its end.
	for _ in $(seq 300); do
		sleep 1
		ends=$(table "select count(*) || ' ' || count(distinct run) || ' ' || max(seq) from v_sightings where camera = 'street'")
		[ "$ends" != '795 1 794' ] || break
	done
	[ "$ends" = '795 1 794' ]
	systemctl stop "${stopping[@]}"
	for stage in "${stages[@]}"; do ended "$stage"; done
	systemctl start sightlog-broker sightlog-sink
	each_once
	no_gaps
	count
	echo "stages: $n sightings committed, each once"
	systemctl stop "${stopping[@]}"
	for stage in "${stages[@]}"; do ended "$stage"; done
}

echo 'street=/srv/vtest.avi' >>/etc/sightlog/cameras.txt
echo 'hall=test://people' >>/etc/sightlog/cameras.txt
systemd-analyze verify /usr/lib/systemd/system/sightlog*.service
one_service
stages
echo passed
