#!/bin/sh
# Builds picam that only sends: one static file for each system, which needs no C library and no OpenCV there.
#
#   scripts/static.sh DIR               all of them, as DIR/picam-linux-armv6 and so on
#   scripts/static.sh DIR TARGET...     some of them
#
# The same sources and the same VERSION give the same bytes in every folder and on every computer with the same Go.
set -eu

# The Raspberry Pis: armv6 is Zero and 1, armv7 is 2 and newer under a 32-bit system, arm64 is 3 and newer.
targets='linux-armv6 linux-armv7 linux-arm64 linux-amd64 darwin-arm64 darwin-amd64 windows-amd64'

if [ $# -lt 1 ]; then
	echo "static: where to? Type: scripts/static.sh DIR [TARGET...] (one of: $targets)" >&2
	exit 2
fi
mkdir -p "$1"
dir=$(cd "$1" && pwd)
shift
cd "$(dirname "$0")/.."
# shellcheck disable=SC2086 # a list of words
[ $# -gt 0 ] || set -- $targets
version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo dev)}

# What a shell or an editor has set for OpenCV's sake, or for this computer's processor, is not for these.
export CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOAMD64=v1 GOARM64=v8.0

for target; do
	case " $targets " in
	*" $target "*) ;;
	*)
		echo "static: there is no target $target; there are $targets" >&2
		exit 2
		;;
	esac
	suffix=
	[ "${target%%-*}" != windows ] || suffix=.exe
	arch=${target#*-}
	arm=
	case $arch in
	armv*)
		arm=${arch#armv}
		arch=arm
		;;
	esac
	# Left out is what only a debugger reads, a third of the file, and what cli would write manuals with (cli/man.go does).
	GOOS=${target%%-*} GOARCH=$arch GOARM=$arm go build -trimpath -tags urfave_cli_no_docs \
		-ldflags "-s -w -X main.version=$version" -o "$dir/picam-$target$suffix" .
done
