#!/usr/bin/env bash
# The main job on a real clip, on the embedded default: run it by `make demo`.
# It starts with an empty data directory, so that a second run shows the same.
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "$0")/.."
# Settings of the user's own would send the demo's rows elsewhere.
for name in $(compgen -e SIGHTLOG_); do
	case $name in SIGHTLOG_ONNXRUNTIME | SIGHTLOG_PG_BIN) ;; *) unset "$name" ;; esac
done
clip=$1 data=out/demo

if bin/sightlogd url --data "$data" >/dev/null 2>&1; then
	echo "demo: another demo runs in $PWD/$data; wait for its end" >&2
	exit 2
fi
# The private database of a run as root may lie outside; see docs/operations.md.
database=$(grep -ohE '/var/lib/sightlog/[0-9a-f]{12}' "$data/postgres.location" 2>/dev/null) || true
rm -rf "$data" ${database:+"$database"}
mkdir -p out

head() { printf '\n\033[1m%s\033[0m\n' "$*"; }

head "bin/sightlog run --source street=$clip --pace fast --data $data"
bin/sightlog run --source "street=$clip" --pace fast --data "$data"

# One start of the database answers the three questions.
bin/sightlogd serve --data "$data" --log-level warn >/dev/null &
serve=$!
trap 'kill $serve 2>/dev/null; wait $serve || true' EXIT
for ((tries = 1; ; tries++)); do
	! bin/sightlogd url --data "$data" >/dev/null 2>&1 || break
	kill -0 $serve || exit 1
	((tries != 4)) || echo "demo: waiting for bin/sightlogd serve, which starts the database" >&2
	if ((tries == 120)); then # a minute
		echo "demo: bin/sightlogd serve does not answer; see $PWD/$data/postgres/server.log" >&2
		exit 1
	fi
	sleep 0.5
done

head "How many people, when, where?   bin/sightlog query people"
bin/sightlogd query people --data "$data"
head "How long did it take?   bin/sightlog query latency"
bin/sightlogd query latency --data "$data"
head "What does it look like?   bin/sightlog picture"
bin/sightlog picture --data "$data" --out out/demo.jpg

cat <<NEXT

Next:
  bin/sightlog query sql --data $data "select captured_at, score, x1, y1, x2, y2 from v_detections order by captured_at limit 5"
  bin/sightlog run --source cam=0                  a webcam, or rtsp://…, until Ctrl-C
  bin/sightlog bench --source $clip    latency of the whole pipeline at the clip's own pace
NEXT
