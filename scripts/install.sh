#!/bin/sh
# Puts picam where programs are looked for, with its manual page, what shells complete, and its services:
#
#   scripts/install.sh [install | uninstall]
#
# PREFIX is /usr/local unless it is set. DESTDIR, if set, stands before each path, for those who make packages. The
# program is PICAM_BINARY, else ./picam. Settings and recordings of the services are left alone.
set -eu
cd "$(dirname "$0")/.."
prefix=${PREFIX:-/usr/local}
root=${DESTDIR-}$prefix
picam=${PICAM_BINARY:-./picam}

fail() {
	echo "install: $*" >&2
	exit 1
}
case $prefix in
/*) ;;
*) fail "PREFIX=$prefix: takes a path that begins with /" ;;
esac

# Where systemd looks for units, and nobody else's home.
services=
case $prefix in
/usr | /usr/local) services=yes ;;
esac

# files: what belongs to picam under the prefix.
files() {
	echo bin/picam
	echo share/man/man1/picam.1
	echo share/bash-completion/completions/picam
	echo share/zsh/site-functions/_picam
	echo share/fish/vendor_completions.d/picam.fish
	echo share/doc/picam/filters.yaml
	if [ "$services" ]; then
		echo share/doc/picam/camera.env
		echo share/doc/picam/recv.env
		echo lib/systemd/system/picam-send@.service
		echo lib/systemd/system/picam-recv.service
	fi
}

# content FILE: writes one of them, but for the program.
content() {
	case $1 in
	*.1) "$picam" man ;;
	*bash*) "$picam" completion bash ;;
	*zsh*) "$picam" completion zsh ;;
	*fish*) "$picam" completion fish ;;
	*.yaml) "$picam" filters --yaml ;;
	*.service) sed "s,/usr/bin/picam,$prefix/bin/picam,g" "packaging/${1##*/}" ;;
	*.env) cat "packaging/${1##*/}" ;;
	esac
}

case ${1:-install} in
install)
	[ -x "$picam" ] || fail "there is no $picam yet: make build"
	umask 022
	work=$(mktemp)
	trap 'rm -f "$work"' EXIT
	for file in $(files); do
		mode=644
		if [ "$file" = bin/picam ]; then
			mode=755
			cp "$picam" "$work"
		else
			content "$file" >"$work"
		fi
		{ mkdir -p "$root/${file%/*}" && install -m $mode "$work" "$root/$file"; } ||
			fail "cannot write $root/$file: sudo make install, or make install PREFIX=\$HOME/.local"
	done
	echo "install: $root/bin/picam and what belongs to it are there; make uninstall takes them away"
	case :$PATH: in
	*:"$prefix/bin":*) ;;
	*) [ "${DESTDIR-}" ] || echo "install: $prefix/bin is not in your PATH: export PATH=\"$prefix/bin:\$PATH\"" ;;
	esac
	if [ "$services" ] && [ -z "${DESTDIR-}" ]; then
		echo "install: for a service, copy $prefix/share/doc/picam/recv.env or camera.env to /etc/picam/ and see docs/pi.md"
	fi
	;;
uninstall)
	for file in $(files); do
		rm -f "$root/$file" || fail "cannot remove $root/$file: sudo make uninstall"
	done
	rmdir "$root/share/doc/picam" 2>/dev/null || true # unless somebody has put something there
	echo "install: picam is gone from $root; /etc/picam and recordings stay"
	;;
*)
	echo "install: what is \"$1\"? Known are install and uninstall." >&2
	exit 2
	;;
esac
