#!/bin/sh
# Builds picam with the receiver for arm64 on another computer, in a Debian of its own that has both kinds of libraries:
#
#   scripts/cross.sh DIR    DIR/picam-cross-arm64, which scripts/debs.sh makes a package of
#
# It needs Debian, root and debootstrap, 1.5 GB, and some minutes the first time. The Debian is kept in PICAM_CROSS, or
# in .cache/picam-cross-SUITE in root's own folder.
set -eu

fail() {
	echo "cross: $*" >&2
	exit 1
}
[ $# = 1 ] || fail "where to? Type: scripts/cross.sh DIR"
# shellcheck source=/dev/null
suite=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME") ||
	fail "this is for Debian, so that the package has the dependencies that this computer's has"
[ "$(id -u)" = 0 ] || fail "only root can make a Debian of its own: sudo scripts/cross.sh $1"
command -v debootstrap >/dev/null || fail "debootstrap is not installed: apt-get install debootstrap"
mkdir -p "$1"
dir=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo dev)}
root=${PICAM_CROSS:-$HOME/.cache/picam-cross-$suite}

# shellcheck disable=SC2016 # what is quoted is for another shell
# inside COMMAND: runs in that Debian, with this computer's Go, its modules, and the sources, which it cannot change.
inside() {
	ROOT=$root GO=$(go env GOROOT) MODULES=$(go env GOMODCACHE) COMMAND=$1 VERSION=$version unshare --mount sh -euc '
		mkdir -p "$ROOT/usr/local/go" "$ROOT/modules" "$ROOT/src" "$ROOT/out"
		mount --bind -o ro "$GO" "$ROOT/usr/local/go"
		mount --bind -o ro "$MODULES" "$ROOT/modules"
		mount --bind -o ro . "$ROOT/src"
		mount -t proc proc "$ROOT/proc"
		exec chroot "$ROOT" env -i PATH=/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/out GOMODCACHE=/modules LC_ALL=C \
			DEBIAN_FRONTEND=noninteractive VERSION="$VERSION" sh -euc "$COMMAND"'
}

if [ ! -e "$root/ready" ]; then
	rm -rf --one-file-system "$root"
	mkdir -p "$root"
	debootstrap --variant=minbase "$suite" "$root"
	# How this computer reaches Debian.
	cp /etc/resolv.conf "$root/etc/"
	cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
	# The compiler looks for the linker under a name of its own.
	inside '
		dpkg --add-architecture arm64
		apt-get update -qq
		apt-get install -y -qq --no-install-recommends gcc-aarch64-linux-gnu g++-aarch64-linux-gnu libc6-dev-arm64-cross \
			lld pkg-config libopencv-dev:arm64 libjpeg62-turbo-dev:arm64
		ln -sf ld.lld /usr/bin/aarch64-linux-gnu-ld.lld
		touch /ready'
fi
go mod download
# shellcheck disable=SC2016
inside '
	export GOOS=linux GOARCH=arm64 CGO_ENABLED=1 GOPROXY=off GOTOOLCHAIN=local
	export CC=aarch64-linux-gnu-gcc CXX=aarch64-linux-gnu-g++ PKG_CONFIG=aarch64-linux-gnu-pkg-config
	export PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig
	cd /src
	scripts/build-env.sh go build -buildvcs=false -trimpath -ldflags "-X main.version=$VERSION" -o /out/picam .
	aarch64-linux-gnu-strip /out/picam'
cp "$root/out/picam" "$dir/picam-cross-arm64"
echo "cross: made $dir/picam-cross-arm64" >&2
