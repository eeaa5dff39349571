#!/usr/bin/env bash
# Installs what sightlog needs on Debian 12 or Ubuntu 24.04: OpenCV's headers,
# a C++ compiler, PostgreSQL, onnxruntime and the sample clip. Run it by
# `make setup`. Steps that are done are not repeated; after it, nothing
# needs the network.
#
# Each step is one line: what, how large, how long. What the programs that it
# calls print is in lib/setup.log.
#
# With --tests it installs what only the tests use, where it can: a test whose
# part is absent says so and skips. With --tools, what `make test-tools` uses beside; with
# --bi, what `make test-bi` does; with --dist, what `make dist` does; with --packages, those named.
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "$0")/.."

# Versions and sums. The library's name carries its version, which must fit
# the onnxruntime_go module in go.mod.
ort=1.29.0
case "$(uname -m)" in
x86_64)
	ort_release=onnxruntime-linux-x64-$ort.tgz
	ort_release_sum=c3fddc4f139a045b0c4902c57410f0694f1c2fdf9b6939fbe38b1aeae7cd14ba
	ort_npm=package/bin/napi-v6/linux/x64/libonnxruntime.so.1
	;;
aarch64)
	ort_release=onnxruntime-linux-aarch64-$ort.tgz
	ort_release_sum=e1799098ebc054b370f6176a450f158720f297818c613e5dc99b92e2ec82346f
	ort_npm=package/bin/napi-v6/linux/arm64/libonnxruntime.so.1
	;;
*)
	echo "setup: sightlog has no onnxruntime for $(uname -m); use x86_64 or aarch64" >&2
	exit 2
	;;
esac
ort_npm_sum=cfdfb45ec4044b1fdca43e5d2e180fb6817e649ff8ad1e0dfc90e18e51b67037
ort_lib=lib/libonnxruntime.so.$ort
ort_notices=lib/onnxruntime-ThirdPartyNotices.txt
ort_notices_sum=53d3fa5821ac016ac24dd35775c996efec86e2ae0841e9a3a5e146c0ae916845
clip=samples/vtest.avi
clip_sum=45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf

# OpenCV 4.6 from the distribution. gocv includes opencv.hpp, which wants the
# headers of every main module; only four libraries are linked. Video is read by
# the FFmpeg libraries that OpenCV uses itself.
packages=(g++ curl ca-certificates postgresql libavformat-dev libavcodec-dev libavutil-dev libswscale-dev)
for m in core imgproc imgcodecs videoio calib3d dnn features2d flann highgui ml objdetect photo stitching video; do
	packages+=("libopencv-$m-dev")
done

no_cluster=/etc/postgresql-common/createcluster.d/sightlog.conf

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p lib samples
log=lib/setup.log
date >"$log"

say() { printf '%-12s %s\n' "$1" "$2"; }

# step NAME TEXT COMMAND…: one line for one command, whose output is logged.
step() {
	local name=$1 text=$2 began=$SECONDS
	shift 2
	printf '%-12s %s' "$name" "$text"
	printf '\n== %s: %s\n' "$name" "$text" >>"$log"
	if "$@" >>"$log" 2>&1; then
		echo " ($((SECONDS - began)) s)"
	else
		echo ": failed ($((SECONDS - began)) s)"
		return 1
	fi
}

# cause is the error line that a program printed last.
cause() { grep -aE '^(E:|curl:|npm (ERR!|error)|\[ERROR\]|dpkg: error|sha256)' "$log" | tail -n 1 | cut -c -200; }

fail() {
	local why
	why=$(cause) || true
	echo "setup: $*${why:+ ($why)}; everything that was printed is in $log" >&2
	exit 1
}
matches() { [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
apt() { as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q --no-install-recommends "$@"; }
installed() { [ "$(dpkg-query -W -f '${Status}' "$1" 2>/dev/null)" = "install ok installed" ]; }
missing() { for p in "$@"; do installed "$p" || echo "$p"; done; }

# may_install PACKAGE…: whether packages can be installed at all.
may_install() {
	command -v apt-get >/dev/null || fail "no apt-get here; install these yourself: $*"
	[ "$(id -u)" = 0 ] || command -v sudo >/dev/null || fail "run as root, or install sudo; missing: $*"
	as_root true || fail "sudo was refused; missing: $*"
}

# add_packages PACKAGE…: from the distribution, only those that are missing.
# They are listed in lib/packages, for `make uninstall`.
add_packages() {
	local names size
	mapfile -t names < <(missing "$@")
	[ ${#names[@]} -gt 0 ] || return 0
	may_install "${names[@]}"
	[ -n "${lists_read:-}" ] || step packages "reading the distribution's lists" apt update ||
		fail "apt-get update failed; check the network and /etc/apt/sources.list, then run make setup again"
	lists_read=yes
	size=$(apt --assume-no install "${names[@]}" 2>>"$log" | sed -n 's|^Need to get \([^/]*[kMG]\?B\).*|, \1|p') || true
	step packages "installing ${#names[@]} and what they need$size" apt -y install "${names[@]}" ||
		fail "apt-get could not install ${names[*]}"
	printf '%s\n' "${names[@]}" >>lib/packages
}

# fetch NAME TEXT URL FILE SUM: a part that came before is resumed, a wrong sum
# starts afresh. The file appears only when its sum is right. A source is asked
# once: the next one follows.
fetch() {
	local name=$1 text=$2 url=$3 file=$4 sum=$5
	mkdir -p "$(dirname "$file")"
	matches "$file.part" "$sum" || step "$name" "$text" curl -fsSL --connect-timeout 10 --speed-limit 1000 --speed-time 30 -C - -o "$file.part" "$url" || return 1
	if ! matches "$file.part" "$sum"; then
		rm -f "$file.part"
		say "$name" "not the pinned file (sha256 differs): $url"
		return 1
	fi
	mv "$file.part" "$file"
}

setup_packages() {
	if [ -z "$(missing "${packages[@]}")" ]; then
		say packages "there already"
		return
	fi
	if ! installed postgresql-common && ! command -v pg_createcluster >/dev/null; then
		# sightlog runs a private PostgreSQL of its own: keep the package from
		# starting a cluster on port 5432.
		may_install "${packages[@]}"
		as_root mkdir -p "$(dirname "$no_cluster")"
		echo "create_main_cluster = false" | as_root tee "$no_cluster" >/dev/null
	fi
	add_packages "${packages[@]}"
}

# unpack_ort ARCHIVE MEMBER FILE: one file out of an archive whose sum was right.
unpack_ort() {
	tar -xzf "$1" -C "$work" "$2"
	mv "$work/$2" "$3"
	rm -f "$1"
}

# ort_from_release MEMBER FILE
ort_from_release() {
	local archive=lib/$ort_release
	fetch onnxruntime "$ort, 10 MB, from its release archive" \
		"https://github.com/microsoft/onnxruntime/releases/download/v$ort/$ort_release" "$archive" "$ort_release_sum" || return 1
	unpack_ort "$archive" "${ort_release%.tgz}/$1" "$2"
}

ort_from_npm() {
	local file=lib/onnxruntime-node-$ort.tgz url
	command -v npm >/dev/null || add_packages npm
	url=$(npm view --loglevel=error --no-update-notifier "onnxruntime-node@$ort" dist.tarball 2>>"$log") || return 1
	fetch onnxruntime "$ort, 112 MB, from the npm package onnxruntime-node" "$url" "$file" "$ort_npm_sum" || return 1
	unpack_ort "$file" "$ort_npm" "$ort_lib"
}

# The library is taken only from an archive whose sum was right; a stamp beside
# it notices a file that was cut or changed since.
setup_onnxruntime() {
	if [ -f "$ort_lib.sha256" ] && sha256sum --check --status "$ort_lib.sha256"; then
		say onnxruntime "$ort there already"
		return
	fi
	ort_from_release "lib/libonnxruntime.so.$ort" "$ort_lib" || ort_from_npm ||
		fail "no source of onnxruntime $ort answered; check the network and run make setup again, or put libonnxruntime.so.$ort into lib/ and its sum beside it: sha256sum $ort_lib > $ort_lib.sha256"
	sha256sum "$ort_lib" >"$ort_lib.sha256"
}

# These notices belong to every copy of the library that is passed on.
setup_notices() {
	! matches "$ort_notices" "$ort_notices_sum" || return 0
	fetch notices "of the parts of onnxruntime $ort, 0.3 MB, from its repository" \
		"https://raw.githubusercontent.com/microsoft/onnxruntime/v$ort/ThirdPartyNotices.txt" "$ort_notices" "$ort_notices_sum" ||
		ort_from_release ThirdPartyNotices.txt "$ort_notices" ||
		fail "no source of onnxruntime's notices answered; check the network and run make dist again, or put ThirdPartyNotices.txt of the release archive $ort into $ort_notices"
}

clip_from_debian() {
	command -v apt-get >/dev/null || return 1
	download_doc() { (cd "$work" && apt-get download opencv-doc); }
	step clip "vtest.avi, 96 MB, from Debian's package opencv-doc" download_doc || return 1
	dpkg-deb --fsys-tarfile "$work"/opencv-doc_*.deb | tar -xf - -C "$work" ./usr/share/doc/opencv-doc/examples/data/vtest.avi || return 1
	matches "$work/usr/share/doc/opencv-doc/examples/data/vtest.avi" "$clip_sum" || return 1
	mv "$work/usr/share/doc/opencv-doc/examples/data/vtest.avi" "$clip"
}

setup_clip() {
	if matches "$clip" "$clip_sum"; then
		say clip "vtest.avi there already"
		return
	fi
	local near="${SIGHTLOG_TESTDATA:-../shared}/video/vtest.avi"
	if matches "$near" "$clip_sum"; then
		say clip "vtest.avi copied from $near"
		install -m 644 "$near" "$clip.part" && mv "$clip.part" "$clip"
		return
	fi
	fetch clip "vtest.avi, 8 MB, from OpenCV's repository" \
		"https://raw.githubusercontent.com/opencv/opencv/4.6.0/samples/data/vtest.avi" "$clip" "$clip_sum" ||
		clip_from_debian || fail "no source of the sample clip answered; check the network and run make setup again, or put vtest.avi into samples/"
}

# Apache Kafka and its Java clients, for tests beside our broker.
setup_kafka() {
	local pom=internal/kafkatest/pom.xml
	if cmp -s "$pom" lib/kafka/pom.xml; then
		say kafka "there already"
		return
	fi
	jars kafka "Apache Kafka, its Java clients and tools, 124 MB, by Maven" "$pom"
}

# Apache Flink, for the tests of make test-tools.
setup_flink() {
	local pom=internal/kafkatools/flink.xml
	if cmp -s "$pom" lib/flink/flink.xml; then
		say flink "there already"
		return
	fi
	jars flink "Apache Flink's SQL, 138 MB, by Maven" "$pom"
}

# jars NAME TEXT POM: what a pom depends on, in lib/NAME.
jars() {
	rm -rf "lib/$1"
	step "$1" "$2" mvn -q -B -Dstyle.color=never -f "$3" dependency:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory="$PWD/lib/$1" || return 1
	cp "$3" "lib/$1/"
}

# Apicurio Registry, a schema registry for tests beside ours.
setup_apicurio() {
	local pom=internal/registries/pom.xml
	if cmp -s "$pom" lib/apicurio/pom.xml; then
		say apicurio "there already"
		return
	fi
	rm -rf lib/apicurio
	step apicurio "Apicurio Registry, 142 MB, by Maven" \
		mvn -q -B -Dstyle.color=never -f "$pom" dependency:copy-dependencies -DoutputDirectory="$work/apicurio" || return 1
	mkdir -p lib/apicurio
	tar -xzf "$work"/apicurio/*.tar.gz -C lib/apicurio || return 1
	cp "$pom" lib/apicurio/
}

# mosquitto, a broker of MQTT for tests, which start their own: the package's service
# stays off.
setup_mosquitto() {
	! installed mosquitto || return 0
	add_packages mosquitto || return 1
	! command -v systemctl >/dev/null || as_root systemctl disable --now mosquitto >/dev/null 2>&1 || true
}

# pgbouncer, for tests through a pooler, which start their own: the package's
# service stays off.
setup_pgbouncer() {
	! installed pgbouncer || return 0
	add_packages pgbouncer || return 1
	! command -v systemctl >/dev/null || as_root systemctl disable --now pgbouncer >/dev/null 2>&1 || true
}

# A browser, for tests of pages. Ubuntu's package is a snap, which needs a whole system.
setup_browser() {
	local name
	for name in chromium chromium-browser google-chrome google-chrome-stable; do
		! command -v "$name" >/dev/null || return 0
	done
	add_packages chromium
}

# promtool, for tests of the alert rules, out of the package whose server would start.
setup_promtool() {
	if [ -x lib/promtool ] || command -v promtool >/dev/null; then
		return
	fi
	# shellcheck disable=SC2317 # step calls it
	download_prometheus() { (cd "$work" && apt-get download prometheus); }
	step promtool "19 MB, from the distribution's package prometheus" download_prometheus || return 1
	dpkg-deb --fsys-tarfile "$work"/prometheus_*.deb | tar -xf - -C "$work" ./usr/bin/promtool || return 1
	mv "$work/usr/bin/promtool" lib/promtool
}

# axe-core, for tests of pages: it finds what a screen reader or weak eyes stumble over.
axe=4.14.1
# The Python packages of bench compare's other side, for its test: a virtual environment.
setup_baseline() {
	local list=bench/baseline/requirements.txt dir=lib/baseline
	if cmp -s "$list" "$dir/sightlog-baseline.txt"; then
		say baseline "there already"
		return
	fi
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || return 1
	rm -rf "$dir"
	step baseline "Python packages of bench/baseline, 350 MB installed" baseline_packages "$dir" "$list" || return 1
	cp "$list" "$dir/sightlog-baseline.txt"
}
baseline_packages() {
	python3 -m venv "$1" && "$1/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$2"
}

# The programs of internal/clients: what they need, at the versions that stand beside them.
# setup_clients_of NAME LIST TEXT COMMAND…: into lib/clients/NAME, again when the LIST changes.
setup_clients_of() {
	local dir=lib/clients/$1 list=internal/clients/$2 text=$3
	shift 3
	if cmp -s "$list" "$dir/pinned"; then
		say clients "$text: there already"
		return
	fi
	rm -rf "$dir"
	mkdir -p "$dir"
	step clients "$text" "$@" || return 1
	cp "$list" "$dir/pinned"
}
npm_packages() {
	(command -v npm >/dev/null || add_packages npm) || return 1
	cp internal/clients/node/package.json internal/clients/node/package-lock.json "$1/" &&
		npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund --loglevel=error
}
go_modules() { (cd internal/clients/go && GOFLAGS='' GOWORK=off go mod download); }
rust_crates() {
	command -v cargo >/dev/null && cargo build --quiet --manifest-path internal/clients/rust/Cargo.toml --target-dir "$1"
}
setup_serializers() {
	setup_clients_of registries ../registries/python/requirements.txt "Confluent's serializers of Python, 60 MB installed" \
		baseline_packages lib/clients/registries internal/registries/python/requirements.txt
}
setup_clients() {
	local of=internal/clients
	setup_clients_of python python/requirements.txt "of Python, 90 MB installed" baseline_packages lib/clients/python $of/python/requirements.txt ||
		say clients "go on without those of Python"
	setup_clients_of node node/package-lock.json "of Node.js, 20 MB installed" npm_packages lib/clients/node ||
		say clients "go on without those of Node.js"
	setup_serializers || say clients "go on without Confluent's serializers"
	setup_clients_of go go/go.sum "of Go, 40 MB in the module cache" go_modules || say clients "go on without those of Go"
}

axe_lib=lib/axe-core-$axe.min.js
axe_lib_sum=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c
axe_npm_sum=e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745

setup_axe() {
	local file=lib/axe-core-$axe.tgz url
	! matches "$axe_lib" "$axe_lib_sum" || return 0
	command -v npm >/dev/null || add_packages npm || return 1
	url=$(npm view --loglevel=error --no-update-notifier "axe-core@$axe" dist.tarball 2>>"$log") || return 1
	fetch axe-core "$axe, 0.7 MB, from its npm package" "$url" "$file" "$axe_npm_sum" || return 1
	tar -xzf "$file" -C "$work" package/axe.min.js
	mv "$work/package/axe.min.js" "$axe_lib"
	rm -f "$file"
}

case ${1:-} in
--tests)
	(setup_mosquitto) || say tests "go on without mosquitto"
	(setup_pgbouncer) || say tests "go on without pgbouncer"
	(add_packages kcat ffmpeg shellcheck) || say tests "go on without them"
	(setup_browser) || say tests "go on without a browser"
	(setup_promtool) || say tests "go on without promtool"
	(add_packages python3-venv) || say tests "go on without Python, which tries the API"
	(setup_axe) || say tests "go on without axe-core"
	(add_packages openjdk-17-jdk-headless maven && setup_kafka) || say tests "go on without Apache Kafka"
	(add_packages python3-venv && setup_baseline) || say tests "go on without the baseline of bench compare"
	(setup_clients)
	;;
--clients)
	(add_packages openjdk-17-jdk-headless maven && setup_kafka) || say clients "go on without Apache Kafka"
	(add_packages python3-venv && setup_clients)
	(setup_clients_of rust rust/Cargo.toml "of Rust, 470 MB, built in minutes" rust_crates lib/clients/rust) || say clients "go on without that of Rust"
	;;
--tools)
	setup_flink || fail "Apache Flink cannot be fetched; Maven needs its registry"
	;;
--schemas)
	(add_packages openjdk-17-jdk-headless maven && setup_apicurio) || say schemas "go on without Apicurio Registry"
	(add_packages python3-venv && setup_serializers) || say schemas "go on without Confluent's serializers"
	;;
--bi)
	(add_packages python3-venv && setup_clients_of superset ../bi/requirements.txt "Apache Superset, 800 MB installed" \
		baseline_packages lib/clients/superset internal/bi/requirements.txt) || fail "Apache Superset cannot be installed; pip needs its registry"
	;;
--packages) add_packages "${@:2}" ;;
--dist)
	add_packages dpkg-dev
	setup_notices
	;;
*)
	setup_packages
	setup_onnxruntime
	setup_clip
	;;
esac
