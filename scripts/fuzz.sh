#!/bin/sh
# Runs every fuzz test of the project, one after the other: fuzz.sh [TIME EACH]. Finds are left in testdata/fuzz.
set -eu
cd "$(dirname "$0")/.."

# go test -list prints the names of a package's tests, then "ok" and the package; -fuzz takes one test at a time.
list=$(go test -list '^Fuzz' ./...)
echo "$list" | awk '/^Fuzz/ { name[++n] = $1 } /^ok/ { while (n > 0) print $2, name[n--] }' |
	while read -r package name; do
		echo "$package $name"
		go test -run '^$' -fuzz "^$name\$" -fuzztime "${1:-30s}" "$package"
	done
