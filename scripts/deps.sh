#!/bin/sh
# Sees to it that what picam is built with is there. Does nothing, at once, when all is.
#
#   scripts/deps.sh go       Go, new enough for go.mod: only looks
#   scripts/deps.sh          and the C libraries and their tools: installs what is missing
#   scripts/deps.sh test     and the programs that the tests talk to
#
# It installs with apt-get: Debian, Ubuntu, Raspberry Pi OS. Elsewhere it says what to install.
set -eu
cd "$(dirname "$0")/.."

what=${1:-build}
missing=  # packages without which picam cannot be built
optional= # packages without which it can: links as usual, skips a test

say() { echo "deps: $*" >&2; }
there() { command -v "$1" >/dev/null; }
library() { pkg-config --exists "$1" 2>/dev/null; }
package() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

python_with_numpy() { python3 -c 'import numpy' 2>/dev/null || /usr/bin/python3 -c 'import numpy' 2>/dev/null; }

# need PACKAGE CHECK...: PACKAGE is missing unless CHECK succeeds; want: the same for an optional one. The checks look
# for the thing, not for the package, so that an OpenCV built from source counts.
need() {
	name=$1
	shift
	"$@" || missing="$missing $name"
}
want() {
	name=$1
	shift
	"$@" || optional="$optional $name"
}

check_go() {
	wanted=$(awk '$1 == "go" { print $2; exit }' go.mod)
	if ! there go; then
		say "Go is not installed. picam needs Go $wanted or newer: see https://go.dev/dl/ (two commands, no compiler needed)."
		exit 1
	fi
	found=$(go version | awk '{ sub(/^go/, "", $3); print $3 }')
	oldest=$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n 1)
	if [ "$oldest" != "$wanted" ]; then
		say "this Go is version $found, picam needs $wanted or newer: see https://go.dev/dl/."
		say "(A distribution's own package is often older. If a newer one is installed too, put it first in PATH.)"
		exit 1
	fi
}

case $what in
go | build | test) check_go ;;
*)
	say "what is \"$what\"? Known are go, build and test."
	exit 2
	;;
esac

case $what in
build | test)
	need g++ there g++
	need pkg-config there pkg-config
	need libopencv-dev library opencv4
	need libjpeg-dev library libjpeg
	want lld there ld.lld
	;;
esac
if [ "$what" = test ]; then
	want busybox-static package busybox-static
	want curl there curl
	want dpkg-dev there dpkg-shlibdeps
	want ffmpeg there ffmpeg
	want fish there fish
	want fonts-droid-fallback package fonts-droid-fallback
	want gstreamer1.0-tools there gst-launch-1.0
	want gstreamer1.0-plugins-good package gstreamer1.0-plugins-good
	want gstreamer1.0-plugins-bad package gstreamer1.0-plugins-bad
	want imagemagick there import
	want iproute2 there ss
	want libturbojpeg0-dev library libturbojpeg # scripts/bench compares with it
	want man-db there man
	want netcat-openbsd there nc
	want openbox there openbox
	want opencv-data test -e /usr/share/opencv4/haarcascades/haarcascade_frontalface_default.xml
	want python3-numpy python_with_numpy
	want qemu-user-static there qemu-arm-static
	want systemd there systemd-analyze
	want xdotool there xdotool
	want xvfb there Xvfb
	want zsh there zsh
	# For the virtual machine with cameras (e2e/v4l2vm): 18 MB. It takes Debian's kernel, of PCs.
	if [ "$(uname -m)" = x86_64 ] && grep -qx ID=debian /etc/os-release 2>/dev/null; then
		want cpio there cpio
		want kmod there depmod
		want libelf1 test -e /usr/lib/x86_64-linux-gnu/libelf.so.1
		want qemu-system-x86 there qemu-system-x86_64
		want ustreamer there ustreamer
		want v4l-utils there v4l2-ctl
		want xz-utils there xz
		want zstd there zstd
	fi
fi

[ -n "$missing$optional" ] || exit 0

# give_up REASON: says what stays missing and why. It fails if picam cannot be built without it.
give_up() {
	if [ -n "$missing" ]; then
		say "missing:$missing"
		say "$*"
		exit 1
	fi
	say "going on without:$optional"
	say "$*"
	exit 0
}

there apt-get || give_up "this script only knows apt-get. Other systems have the same under other names, such as
  Fedora    gcc-c++ pkgconf opencv-devel libjpeg-turbo-devel lld
  Arch      gcc pkgconf opencv libjpeg-turbo lld
  Homebrew  pkgconf opencv jpeg-turbo"

as_root=
if [ "$(id -u)" != 0 ]; then
	as_root=sudo
	# Nobody is there to type a password where there is no terminal.
	[ -t 0 ] || as_root='sudo -n'
	$as_root true 2>/dev/null || give_up "to install it, type as root: apt-get install$missing$optional"
fi

# weigh PACKAGE...: says what the packages come to with all that they need, by what apt-get would ask.
weigh() {
	$as_root env LC_ALL=C apt-get install --assume-no --no-install-recommends "$@" 2>/dev/null | awk '
		/ newly installed/ { count = $1 + $3 }
		/^Need to get / { size = $4 " " $5; sub(/\/.*/, "", size) }
		/^After this operation, / { disk = ", " $4 " " $5 " on the disk" }
		END { if (count) print " (" count " packages with what they need: " size " to download" disk ")" }'
}

install() {
	say "installing $*$(weigh "$@")"
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		-o Dpkg::Use-Pty=0 --no-install-recommends "$@" >&2
}
# One broken package source must not stop the installation from the others.
$as_root apt-get update -qq >&2 || true
# shellcheck disable=SC2086 # a list of words
[ -z "$missing" ] || install $missing || give_up "apt-get failed, see above"
missing=
# shellcheck disable=SC2086 # a list of words
[ -z "$optional" ] || install $optional || give_up "apt-get failed, see above"
