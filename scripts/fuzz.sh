#!/usr/bin/env bash
# Runs every fuzz target for a while, one after the other: scripts/fuzz.sh 10s
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "$0")/.."
grep -rlE '^func Fuzz' --include='*_test.go' . | while read -r file; do
	grep -oE '^func Fuzz[A-Za-z0-9_]*' "$file" | cut -d' ' -f2 | while read -r target; do
		echo "$target in $(dirname "$file"), $1"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" "$(dirname "$file")"
	done
done
