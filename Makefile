# sightlog: cameras and video files into PostgreSQL. `make help` lists what
# there is to make.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# Targets run in the order in which they are named, with make -j, too: go uses
# all cores by itself, and what is built needs what setup installed.
.NOTPARALLEL:

VERSION := $(shell scripts/version.sh)
LDFLAGS := -s -w -X github.com/sightlog/sightlog/cli.Version=$(VERSION)
ORT := $(CURDIR)/lib/libonnxruntime.so.1.29.0

# gocv: only the modules in use, only the libraries in use. Without buildvcs
# go does not ask git, which refuses a clone of another user's. The rest keeps
# settings of the user's, or of a directory around this one, out of the build.
export GOFLAGS := $(GOFLAGS) -tags=customenv,gocv_specific_modules,gocv_videoio -buildvcs=false
export CGO_ENABLED := 1
export GOWORK := off
export GOTOOLCHAIN ?= auto
unexport CDPATH
export CGO_CXXFLAGS := --std=c++11 -O2 -DNDEBUG -I/usr/include/opencv4
export CGO_LDFLAGS := -lopencv_core -lopencv_imgproc -lopencv_imgcodecs -lopencv_videoio
export SIGHTLOG_ONNXRUNTIME ?= $(ORT)

CLIP := samples/vtest.avi
RACE ?=
RUN ?= .
PKG ?= ./...

# Of a target that is there to run one thing: what set-up could not install fails it.
INSTALLED := SIGHTLOG_REQUIRE=$${SIGHTLOG_REQUIRE:-installable}

TIMESCALE := SIGHTLOG_TEST_EXTENSION=timescaledb SIGHTLOG_PG_BIN='$(CURDIR)/lib/timescale/bin' $(INSTALLED)
TIMESCALE_RUNS := ^(TestRun_(RandomKills|KilledAtTheLastCommit)|TestRecount_Killed|TestReplay|TestSchema|TestServices)

# These link no C code, so they need no compiler of C.
test-bi test-clients test-schemas: export CGO_ENABLED := 0

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: ## Install what is needed (Debian 12, Ubuntu 24.04): OpenCV, PostgreSQL, onnxruntime, the clip
	@scripts/setup.sh

check-go:
	@scripts/check-go.sh

build: check-go ## bin/sightlog (everything) and bin/sightlogd (no camera, static)
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/sightlog ./cmd/sightlog
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/sightlogd ./cmd/sightlogd

demo: check-go setup build ## Set up, build, run the whole pipeline on a real clip and show its rows
	@scripts/demo.sh $(CLIP)

test: check-go setup build ## Every test (RACE=1: with the race detector; PKG, RUN: some of them)
	@scripts/setup.sh --tests
	go test -count=1 $(if $(RACE),-race) -timeout 60m -run '$(RUN)' $(PKG)

test-cluster: check-go setup build ## detect and sink on three Apache Kafka nodes that are killed, restarted and run out of disk: rows exact, pauses logged
	@scripts/setup.sh --tests
	SIGHTLOG_CLUSTER=all $(INSTALLED) go test -count=1 -v -timeout 30m -run '^(TestCluster|TestPipeline)_' ./internal/e2e

test-clients: check-go ## Kafka's clients of many languages, on our broker and on Apache Kafka (UPDATE=1: write docs/compatibility.md)
	@scripts/setup.sh --clients
	SIGHTLOG_CLIENTS=all go test -count=1 -v -timeout 30m ./internal/clients $(if $(UPDATE),-update)

test-tools: check-go setup build ## The tools of Kafka's world (Streams, Connect, MirrorMaker 2, scripts, Flink SQL) on our broker and on Apache Kafka
	@scripts/setup.sh --tests
	@scripts/setup.sh --tools
	SIGHTLOG_TOOLS=all $(INSTALLED) go test -count=1 -v -timeout 30m ./internal/kafkatools

test-schemas: check-go ## Our schema registry and, beside it, Apicurio's, with Confluent's serializers
	@scripts/setup.sh --schemas
	SIGHTLOG_REGISTRIES=all $(INSTALLED) go test -count=1 -v -timeout 30m ./internal/registries

test-bi: check-go setup ## The charts of docs/bi.md in Apache Superset: their numbers are those of sightlog query
	@scripts/setup.sh --bi
	SIGHTLOG_BI=all $(INSTALLED) go test -count=1 -v -timeout 30m ./internal/bi

test-timescale: check-go setup build ## The tests of tables, sink, queries and kills beside TimescaleDB (TIMESCALE_SOURCE=DIR: built from the sources in DIR)
	@TIMESCALE_SOURCE='$(TIMESCALE_SOURCE)' scripts/timescale.sh
	$(TIMESCALE) go test -count=1 -v -timeout 30m ./internal/timescale
	$(TIMESCALE) go test -count=1 -timeout 60m ./migrations ./query ./sink ./internal/bi
	$(TIMESCALE) go test -count=1 -timeout 30m -run '$(TIMESCALE_RUNS)' ./internal/e2e

# What onnxruntime and its Go binding keep until the process ends are no leaks.
asan: check-go setup build ## The packages with C code, tested under the address sanitizer
	@scripts/setup.sh --tests
	ASAN_OPTIONS=quarantine_size_mb=8 go test -asan -count=1 -timeout 60m ./ingest
	ASAN_OPTIONS=quarantine_size_mb=8:detect_leaks=0 go test -asan -count=1 -timeout 60m ./detector ./detector/motion ./detector/onnx ./bench/speed ./preview ./pipeline/detect

dist: check-go setup build ## dist/: one archive that runs where it is unpacked, and a Debian package
	@scripts/setup.sh --dist
	@scripts/dist.sh '$(VERSION)' '$(LDFLAGS)'

bench: ## The benchmarks
	go test -run '^$$' -bench . -benchtime 2s $(PKG)

# golangci-lint is no dependency of the product, so it is not in go.mod: go builds
# it once from its sources, which come through the Go module proxy.
GOLANGCI_VERSION := v2.15.0
GOLANGCI := lib/golangci-lint-$(GOLANGCI_VERSION)

$(GOLANGCI):
	@echo "golangci-lint $(GOLANGCI_VERSION): built once, which takes minutes"
	@mkdir -p lib
	@GOBIN="$(CURDIR)/$@.new" CGO_ENABLED=0 GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION) || \
		{ echo "make lint: golangci-lint could not be built; the first time it needs the Go module proxy" >&2; exit 1; }
	@mv $@.new/golangci-lint $@ && rm -r $@.new

lint: check-go $(GOLANGCI) ## gofmt, go mod tidy, golangci-lint (.golangci.yml), arrows between packages, words, shellcheck
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "make lint: run gofmt -w on these" >&2; exit 1; }
	@go mod tidy -diff || { echo "make lint: run go mod tidy" >&2; exit 1; }
	$(GOLANGCI) run
	go test -count=1 ./internal/arrows ./internal/words
	@if command -v shellcheck >/dev/null; then shellcheck scripts/*.sh deploy/*.sh .ci/run; else echo "shellcheck: not installed, skipped"; fi

fuzz: ## Every fuzz target for FUZZTIME (10s) each
	@scripts/fuzz.sh $(or $(FUZZTIME),10s)

env: ## The environment for go outside make: eval "$$(make -s env)"
	@printf 'export %s=%q\n' GOFLAGS "$(GOFLAGS)" CGO_ENABLED 1 GOWORK off GOTOOLCHAIN "$(GOTOOLCHAIN)" CGO_CXXFLAGS "$(CGO_CXXFLAGS)" CGO_LDFLAGS "$(CGO_LDFLAGS)" SIGHTLOG_ONNXRUNTIME "$(SIGHTLOG_ONNXRUNTIME)"

clean: ## Remove what make made, but not what setup fetched
	rm -rf bin out dist

uninstall: ## Remove what make and setup made and fetched; say what stays (packages, your data)
	@scripts/uninstall.sh

.PHONY: help setup check-go build demo test test-bi test-clients test-cluster test-schemas test-timescale test-tools asan dist bench lint fuzz env clean uninstall
