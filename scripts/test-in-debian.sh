#!/bin/sh
# Runs all tests in a release of Debian of its own, on a clone of what is committed:
#
#   scripts/test-in-debian.sh [SUITE] [COMMAND...]    SUITE is trixie unless it is said, COMMAND make test
#
# It needs Debian or its kin, root and debootstrap, some 3 GB, and a quarter of an hour the first time. The Debian is kept
# in PICAM_DEBIAN, or in .cache/picam-debian-SUITE in root's own folder, with what the tests have installed there. It has
# this computer's Go, its modules, and its network: apt's and Go's settings, proxies, certificates.
set -eu

fail() {
	echo "test-in-debian: $*" >&2
	exit 1
}
suite=trixie
case ${1-} in
-*) fail "there is no flag $1; type: scripts/test-in-debian.sh [SUITE] [COMMAND...]" ;;
bookworm | trixie | forky | sid) suite=$1 && shift ;;
esac
[ $# -gt 0 ] || set -- make test
[ "$(id -u)" = 0 ] || fail "only root can make a Debian of its own: sudo scripts/test-in-debian.sh $suite"
for tool in debootstrap flock go git unshare; do
	command -v $tool >/dev/null || fail "$tool is not installed"
done
cd "$(dirname "$0")/.."
root=${PICAM_DEBIAN:-$HOME/.cache/picam-debian-$suite}

# site LABEL: where apt of this computer has Debian's archive, or its security updates, from.
site() {
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(LABEL) $(SITE)' 2>/dev/null | awk -v label="$1" '$1 == label { print $2; exit }'
}
archive=$(site Debian) security=$(site Debian-Security)

# The settings by which this computer's apt and Go reach the network, as words NAME=VALUE for env.
network() {
	for name in http_proxy https_proxy ftp_proxy no_proxy all_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY; do
		eval "value=\${$name-}"
		[ -z "$value" ] || echo "$name=$value"
	done
	for name in GOPROXY GONOPROXY GOSUMDB GONOSUMDB GOPRIVATE GOINSECURE GOVCS; do
		value=$(go env $name)
		[ -z "$value" ] || echo "$name=$value"
	done
}

# inside COMMAND [ARG...]: runs there, where /src is. No process of it is left behind, and no mount.
inside() {
	# shellcheck disable=SC2046,SC2016 # a list of words; what is quoted is for another shell
	ROOT=$root GO=$(go env GOROOT) MODULES=$(go env GOMODCACHE) \
		unshare --mount --pid --fork --kill-child sh -euc '
		mkdir -p "$ROOT/usr/local/go" "$ROOT/modules" "$ROOT/src"
		mount --bind -o ro "$GO" "$ROOT/usr/local/go"
		mount --bind "$MODULES" "$ROOT/modules"
		mount -t proc proc "$ROOT/proc"
		mount --rbind -o ro /sys "$ROOT/sys"
		mount --rbind /dev "$ROOT/dev"
		exec chroot "$ROOT" env -i "$@"' inside \
		PATH=/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
		GOMODCACHE=/modules GOTOOLCHAIN=local GOFLAGS=-buildvcs=false $(network) sh -euc 'cd /src && "$@"' sh "$@" </dev/null
}

mkdir -p "$(go env GOMODCACHE)" "$root"
exec 9<"$root"
flock -n 9 || fail "$root is in use by another run"
if [ ! -e "$root/ready" ]; then
	find "$root" -xdev -mindepth 1 -delete
	debootstrap --variant=minbase "$suite" "$root" ${archive:+"$archive"}
	if [ "$suite" != sid ] && [ -n "$archive" ]; then
		echo "deb $archive $suite-updates main" >>"$root/etc/apt/sources.list"
		[ -z "$security" ] || echo "deb $security $suite-security main" >>"$root/etc/apt/sources.list"
	fi
	! command -v apt-config >/dev/null ||
		apt-config dump | grep -E '^Acquire::(https?::|Check-|Retries|ForceIPv)' >"$root/etc/apt/apt.conf.d/90network" || true
	# Nothing that is installed there is started.
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	mkdir -p "$root/usr/local/share/ca-certificates"
	for certificate in /usr/local/share/ca-certificates/*.crt; do
		[ ! -e "$certificate" ] || cp -L "$certificate" "$root/usr/local/share/ca-certificates/"
	done
	cp /etc/resolv.conf /etc/hosts "$root/etc/"
	inside apt-get update -qq
	inside apt-get dist-upgrade -y -qq -o Dpkg::Use-Pty=0
	inside apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends ca-certificates git make
	touch "$root/ready"
fi

[ -z "$(git status --porcelain)" ] || echo "test-in-debian: what is not committed is not tested" >&2
rm -rf --one-file-system "$root/src"
git clone -q . "$root/src"
echo "test-in-debian: $(git -C "$root/src" describe --tags --always) in $(cat "$root/etc/debian_version"): $*" >&2
inside "$@"
