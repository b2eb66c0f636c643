#!/bin/sh
# Makes Debian packages of what make build and make pi have made:
#
#   scripts/debs.sh DIR    DIR/picam-send_VERSION_{armhf,arm64,amd64}.deb, the static sender, from DIR/picam-linux-*
#                          DIR/picam_VERSION_ARCH.deb, with the receiver, from ./picam or PICAM_BINARY, for this OpenCV;
#                          and for arm64 from DIR/picam-cross-arm64, if that is there (scripts/cross.sh)
#   scripts/debs.sh DIR picam-send_arm64 picam_amd64    only some of them
#   scripts/debs.sh --debian-version    says what VERSION is called
#
# The same files and the same VERSION give the same bytes; the time in them is SOURCE_DATE_EPOCH, else the last commit's.
# DEB_COMPRESSION is xz unless it is set, to gzip or none for example.
set -eu

fail() {
	echo "debs: $*" >&2
	exit 1
}
for tool in dpkg-deb dpkg-shlibdeps gzip md5sum readelf strip; do
	command -v $tool >/dev/null || fail "$tool is not there; it belongs to Debian and its kin: apt-get install dpkg-dev"
done
[ $# -gt 0 ] || fail "where to? Type: scripts/debs.sh DIR"
dir=
if [ "$1" != --debian-version ]; then
	mkdir -p "$1"
	dir=$(cd "$1" && pwd)
fi
shift
only=" $* "
# wanted PACKAGE_ARCHITECTURE
wanted() {
	case $only in
	'  ' | *" $1 "*) return 0 ;;
	*) return 1 ;;
	esac
}
cd "$(dirname "$0")/.."
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo dev)}

# v1.2.3 is 1.2.3, v1.2.3-rc1 the older 1.2.3~rc1, v1.2.3-4-gabcdef the newer 1.2.3+4.gabcdef. Without a tag there is only a
# commit: it is older than every tagged version, and sorted by its time.
case $version in
v[0-9]*) debian=$(echo "${version#v}" | sed -E 's/-([0-9]+)-(g[0-9a-f]+)/+\1.\2/; s/-dirty/+dirty/; s/-/~/g')-1 ;;
*) debian=0~$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S).$(echo "$version" | sed 's/[^0-9A-Za-z]/./g')-1 ;;
esac
dpkg --validate-version "$debian" || fail "the version $version makes no Debian version"
if [ -z "$dir" ]; then
	echo "$debian"
	exit
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022
export LC_ALL=C
maintainer='The picam developers <noreply@picam.invalid>'
# With several processors the compressor cuts its input in pieces, and elsewhere in other ones.
one=
! dpkg-deb --help | grep -q -e --threads-max || one=--threads-max=1

# put MODE FROM TO: copies a file into the package. gz FROM TO: a compressed one, without its name and time.
put() { install -D -m "$1" "$2" "$root/$3"; }
gz() {
	gzip -9n <"$1" >"$work/gz"
	put 644 "$work/gz" "$2"
}

# Whose work is in a program: picam's licence, Go's, and those of the modules that are linked into it.
# copyright TO CGO TAGS
copyright() {
	{
		echo "picam"
		echo
		cat LICENSE
		for module in "Go $(go env GOROOT)" $(CGO_ENABLED=$2 GOFLAGS='' go list -tags "$3" -deps \
			-f '{{with .Module}}{{if not .Main}}{{.Path}}@{{.Version}}:{{.Dir}}{{end}}{{end}}' . | sort -u); do
			case $module in
			Go*) name=Go from=${module#Go } ;;
			*) name=${module%%:*} from=${module#*:} ;;
			esac
			for licence in "$from"/LICEN[CS]E* "$from"/COPYING* "$from"/NOTICE*; do
				[ -f "$licence" ] || continue
				printf '\n\n%s (%s)\n\n' "$name" "${licence##*/}"
				if grep -q 'Apache License' "$licence" && grep -q 'END OF TERMS' "$licence"; then
					echo 'Apache License, Version 2.0: see /usr/share/common-licenses/Apache-2.0'
				else
					cat "$licence"
				fi
			done
		done
	} >"$1"
}

# begin NAME PROGRAM RUNNABLE COPYRIGHT SERVICES: fills a package with PROGRAM and what comes with it. RUNNABLE is the same
# for this computer, and writes the manual and the completions.
begin() {
	root=$work/$1
	rm -rf "$root"
	mkdir -p "$root/DEBIAN"
	put 755 "$2" usr/bin/picam
	"$3" man >"$work/picam.1"
	gz "$work/picam.1" usr/share/man/man1/picam.1.gz
	for shell in bash zsh fish; do "$3" completion $shell >"$work/$shell"; done
	put 644 "$work/bash" usr/share/bash-completion/completions/picam
	put 644 "$work/zsh" usr/share/zsh/vendor-completions/_picam
	put 644 "$work/fish" usr/share/fish/vendor_completions.d/picam.fish
	put 644 packaging/picam-send@.service lib/systemd/system/picam-send@.service
	put 644 packaging/camera.env etc/picam/camera.env
	put 644 "$4" "usr/share/doc/$1/copyright"
	gz CHANGELOG.md "usr/share/doc/$1/changelog.gz"
	cat >"$work/changelog" <<-END
		$1 ($debian) unstable; urgency=medium

		  * Made from picam $version; changelog.gz says what is new.

		 -- $maintainer  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
	END
	gz "$work/changelog" "usr/share/doc/$1/changelog.Debian.gz"
	# Nothing is started that nobody has enabled: who installs it for the first time types systemctl enable.
	services=$5
	cat >"$root/DEBIAN/postinst" <<-END
		#!/bin/sh
		set -e
		if [ "\$1" = configure ] && [ -d /run/systemd/system ]; then
			systemctl --system daemon-reload >/dev/null || true
			if [ -n "\$2" ]; then
				deb-systemd-invoke try-restart $services >/dev/null || true
			else
				for link in /etc/systemd/system/*.wants/picam-*.service; do
					if [ -e "\$link" ]; then
						deb-systemd-invoke start "\${link##*/}" >/dev/null || true
					fi
				done
			fi
		fi
	END
	cat >"$root/DEBIAN/prerm" <<-END
		#!/bin/sh
		set -e
		if [ "\$1" = remove ] && [ -d /run/systemd/system ]; then
			deb-systemd-invoke stop $services >/dev/null || true
		fi
	END
	# Another package may have the services now (picam and picam-send take each other's place).
	cat >"$root/DEBIAN/postrm" <<-'END'
		#!/bin/sh
		set -e
		if [ "$1" = purge ] && [ ! -e /usr/bin/picam ]; then
			rm -f /etc/systemd/system/*.wants/picam-send@*.service /etc/systemd/system/*.wants/picam-recv.service
		fi
		if [ -d /run/systemd/system ]; then
			systemctl --system daemon-reload >/dev/null || true
		fi
	END
	chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm" "$root/DEBIAN/postrm"
}

# finish NAME ARCH LINE...: makes the package, with LINEs of its control file.
finish() {
	name=$1 arch=$2
	shift 2
	(cd "$root" && find etc -type f | sed 's,^,/,' | sort) >"$root/DEBIAN/conffiles"
	(cd "$root" && find . -path ./DEBIAN -prune -o -path ./etc -prune -o -type f -printf '%P\n' |
		sort | xargs -d '\n' md5sum) >"$root/DEBIAN/md5sums"
	{
		echo "Package: $name"
		echo "Version: $debian"
		echo "Architecture: $arch"
		echo "Maintainer: $maintainer"
		echo "Installed-Size: $(find "$root" -path "$root/DEBIAN" -prune -o -type f -printf '%s\n' |
			awk '{ n += int(($1 + 1023) / 1024) } END { print n }')"
		echo "Section: video"
		echo "Priority: optional"
		for line; do echo "$line"; done
	} >"$root/DEBIAN/control"
	chmod 644 "$root/DEBIAN/control" "$root/DEBIAN/conffiles" "$root/DEBIAN/md5sums"
	dpkg-deb --root-owner-group -Z"${DEB_COMPRESSION:-xz}" $one --build "$root" "$dir/${name}_${debian}_$arch.deb"
}

# overrides NAME LINE...: what lintian need not tell of, and why.
overrides() {
	name=$1
	shift
	for line; do echo "$line"; done >"$work/overrides"
	put 644 "$work/overrides" "usr/share/lintian/overrides/$name"
}

# Nobody has asked Debian to take it.
unfiled='initial-upload-closes-no-bugs'

here=$(dpkg --print-architecture)
case $here in
armhf | armel) runnable=$dir/picam-linux-armv6 ;;
*) runnable=$dir/picam-linux-$here ;;
esac
copyright "$work/static-copyright" 0 urfave_cli_no_docs

# Raspberry Pi OS calls armv6 armhf too, so that its package has to run on a Zero and a 1.
for pair in armhf:armv6 arm64:arm64 amd64:amd64; do
	wanted "picam-send_${pair%:*}" || continue
	program=$dir/picam-linux-${pair#*:}
	[ -x "$program" ] || fail "there is no $program: make pi"
	begin picam-send "$program" "$runnable" "$work/static-copyright" "'picam-send@*.service'"
	overrides picam-send '# It is to run on every Pi, whatever libraries that has.' \
		'picam-send: statically-linked-binary [usr/bin/picam]' "$unfiled"
	finish picam-send "${pair%:*}" \
		"Conflicts: picam" "Replaces: picam" "Suggests: rpicam-apps | libcamera-apps" \
		"Description: sends a camera's frames to another computer" \
		" Takes the frames of a Raspberry Pi's camera, a USB camera or a network" \
		" camera and sends them, as plain MJPEG over TCP, to the package picam on the" \
		" computer with the screen. One static file, and a service for it:" \
		" systemctl enable --now picam-send@camera, with its settings in" \
		" /etc/picam/camera.env."
done

# receiver ARCH PROGRAM RUNNABLE STRIP DEPENDS WINDOWS: STRIP takes out what only a debugger reads. WINDOWS is recommended
# only, since a computer without a screen needs neither them nor the Qt that comes with them.
receiver() {
	cp "$2" "$work/program"
	"$4" "$work/program"
	begin picam "$work/program" "$3" "$work/copyright" "'picam-send@*.service' picam-recv.service"
	put 644 packaging/picam-recv.service lib/systemd/system/picam-recv.service
	put 644 packaging/recv.env etc/picam/recv.env
	put 644 config.example.yaml usr/share/doc/picam/examples/filters.yaml
	overrides picam '# Go links at fixed addresses unless it is told otherwise, which costs some speed.' \
		'picam: hardening-no-pie [usr/bin/picam]' "$unfiled"
	finish picam "$1" \
		"Depends: $5" "Conflicts: picam-send" "Replaces: picam-send" "Provides: picam-send (= $debian)" \
		"Recommends: $6, opencv-data" "Suggests: rpicam-apps | libcamera-apps" \
		"Description: looks at cameras of other computers through OpenCV filters" \
		" Takes the frames of any number of Raspberry Pi, USB and network cameras" \
		" through a chain of OpenCV filters, written in YAML and edited while it runs," \
		" shows and records them. The cameras' computers have the package picam-send," \
		" or anything that sends MJPEG over TCP. It can send as well."
}

wanted "picam_$here" || wanted picam_arm64 || exit 0
picam=${PICAM_BINARY:-./picam}
[ -x "$picam" ] || fail "there is no $picam: make build"
copyright "$work/copyright" 1 gocv_specific_modules,urfave_cli_no_docs
# What the program is linked with, and the libraries of OpenCV that it loads when they are wanted (filters/cv).
mkdir -p "$work/shlibs/debian" "$work/shlibs/picam/DEBIAN"
printf 'Source: picam\n\nPackage: picam\nArchitecture: any\n' >"$work/shlibs/debian/control"
cp "$picam" "$work/shlibs/picam/picam"
depends=$(cd "$work/shlibs" && dpkg-shlibdeps -O picam/picam 2>"$work/said" | sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || fail "dpkg-shlibdeps finds no packages for $picam: $(cat "$work/said")"
core=$(echo "$depends" | grep -o 'libopencv-core[0-9a-z]*' | head -n 1)
for part in calib3d objdetect photo video; do
	depends="$depends, libopencv-$part${core#libopencv-core}"
done
windows=libopencv-highgui${core#libopencv-core}
! wanted "picam_$here" || receiver "$here" "$picam" "$picam" strip "$depends" "$windows"

# One for another kind of processor has the same dependencies if it was built with the same release's libraries. Those of
# libc6 may be others.
needed() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v -e '^ld-linux' -e '^libm\.' | sort; }
cross=$dir/picam-cross-arm64
if [ -x "$cross" ] && [ "$here" != arm64 ] && wanted picam_arm64; then
	[ "$(needed "$cross")" = "$(needed "$picam")" ] ||
		fail "$cross needs other libraries than $picam: was it built in another release of Debian?"
	grep -aqF "$version" "$cross" || fail "$cross is of another version: make cross, or remove it"
	receiver arm64 "$cross" "$picam" true "$depends" "$windows"
fi
