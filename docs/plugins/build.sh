#!/bin/sh
# Builds the examples in C and WebAssembly into the folder OUT.   docs/plugins/build.sh OUT [c|wasm]
set -eu
out=$(cd "$1" && pwd)
cd "$(dirname "$0")"
case ${2:-all} in c | all)
	${CC:-cc} -O2 -Wall -Wextra -o "$out/negative" negative.c
	;;
esac
case ${2:-all} in wasm | all)
	cd negative_wasm
	GOOS=wasip1 GOARCH=wasm GOFLAGS='' CGO_ENABLED=0 go build -buildvcs=false -trimpath -buildmode=c-shared \
		-ldflags '-s -w' -o "$out/negative.wasm" .
	;;
esac
