#!/usr/bin/env bash
# The main job on a real clip, on the embedded default: run it by `make demo`.
set -euo pipefail
cd "$(dirname "$0")/.."
clip=$1 data=out/demo
mkdir -p out

head() { printf '\n\033[1m%s\033[0m\n' "$*"; }

head "bin/sightlog run --source street=$clip --pace fast --data $data"
bin/sightlog run --source "street=$clip" --pace fast --data "$data"

# One start of the database answers the three questions.
bin/sightlogd serve --data "$data" --log-level error >/dev/null &
serve=$!
trap 'kill $serve 2>/dev/null; wait $serve' EXIT
until bin/sightlogd url --data "$data" >/dev/null 2>&1; do
	kill -0 $serve || exit 1
	sleep 0.1
done

head "How many people, when, where?   bin/sightlog query people"
bin/sightlogd query people --data "$data"
head "How long did it take?   bin/sightlog query latency"
bin/sightlogd query latency --data "$data"
head "What does it look like?   bin/sightlog picture"
bin/sightlog picture --data "$data" --out out/demo.jpg

cat <<EOF

Next:
  bin/sightlog query sql --data $data "select captured_at, score, x1, y1, x2, y2 from v_detections order by captured_at limit 5"
  bin/sightlog run --source cam=0                  a webcam, or rtsp://…, until Ctrl-C
  bin/sightlog bench --source $clip    latency of the whole pipeline at the clip's own pace
EOF
