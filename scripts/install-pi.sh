#!/bin/sh
# Puts picam send on a Raspberry Pi, or another Linux computer with systemd, as a service that is there from its start
# on. Run it again after an update, or with other settings: what is right already stays as it is.
#
#   scripts/install-pi.sh [USER@]HOST                               looks for a picam recv on the network
#   scripts/install-pi.sh [USER@]HOST --to 192.168.1.5:8002         sends there
#   scripts/install-pi.sh [USER@]HOST --name door --source v4l2:/dev/video2 --size 1280x720
#   scripts/install-pi.sh [USER@]HOST --deb                         installs the package picam-send rather than the file
#
# All flags of picam send can be given. NAME is the camera's and the service's, picam-send@NAME; it is "camera" unless
# said. The flags are kept on the Pi, as variables in /etc/picam/NAME.env; those that are not given stay as they were.
# picam is taken from dist/ (make pi, make debs), or from PICAM_DIST.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
dist=${PICAM_DIST:-$here/dist}

say() { echo "install-pi: $*" >&2; }
fail() {
	say "$*"
	exit 1
}
usage() { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; }

host=${1-}
case $host in
-h | --help)
	usage
	exit
	;;
'' | -*) fail "on which computer? Type: scripts/install-pi.sh pi@raspberrypi.local --to 192.168.1.5" ;;
esac
shift
name=camera deb=
newline='
'
settings=
while [ $# -gt 0 ]; do
	flag=$1
	shift
	case $flag in
	-h | --help)
		usage
		exit
		;;
	--deb)
		deb=yes
		continue
		;;
	--*=*) value=${flag#*=} flag=${flag%%=*} ;;
	--[a-z]*) # a flag without a value is followed by another one, or by nothing
		value=true
		case ${1---} in
		--*) ;;
		*)
			value=$1
			shift
			;;
		esac
		;;
	*) fail "\"$flag\" is no flag: type --to HOST:PORT, --name NAME, or another flag of picam send" ;;
	esac
	case $flag in
	--*[!a-z0-9-]*) fail "\"$flag\" is no flag of picam send" ;;
	esac
	case $value in
	*"$newline"*) fail "$flag has more than one line" ;;
	esac
	if [ "$flag" = --name ]; then
		name=$value
		continue
	fi
	# As systemd reads it: see EnvironmentFile in systemd.exec(5).
	variable=PICAM_$(printf %s "${flag#--}" | tr 'a-z-' 'A-Z_')
	settings="$settings$variable=\"$(printf %s "$value" | sed 's/[\\"`$]/\\&/g')\"$newline"
done
case $name in
'' | *[!A-Za-z0-9_-]*) fail "--name $name: take letters, digits, - and _" ;;
esac

for tool in ssh scp; do
	command -v $tool >/dev/null || fail "$tool is not installed here (Debian: apt-get install openssh-client)"
done
work=$(mktemp -d)
# One connection for all of it, so that a password is asked for once.
with="-o ControlMaster=auto -o ControlPath=$work/s -o ControlPersist=30 -o ConnectTimeout=10"
there=
tidy() {
	# shellcheck disable=SC2086,SC2029 # a list of words; to be expanded here
	[ -z "$there" ] || ssh $with "$host" "rm -rf '$there'" 2>/dev/null || true
	# shellcheck disable=SC2086 # a list of words
	ssh $with -O exit "$host" 2>/dev/null || true
	rm -rf "$work"
}
trap tidy EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# What kind of computer it is. Its system counts, not its kernel: a 32-bit Raspberry Pi OS may have a 64-bit kernel.
# A shell's greetings are passed over.
# shellcheck disable=SC2086 # a list of words
ssh $with "$host" 'echo picam-system=$(uname -s); echo picam-machine=$(uname -m)
	echo picam-arch=$(dpkg --print-architecture 2>/dev/null || getconf LONG_BIT 2>/dev/null)
	echo picam-package=$(dpkg-query -W -f "\${db:Status-Status}" picam-send 2>/dev/null)
	echo picam-systemctl=$(command -v systemctl)
	echo picam-there=$(mktemp -d /tmp/picam-XXXXXX)' >"$work/answer" ||
	fail "cannot log in to $host by ssh, see above. Is it on, and its name right? Try: ssh $host"
answer() { sed -n "s/^picam-$1=//p" "$work/answer" | tr -d '\r' | tail -n 1; }
system=$(answer system) machine=$(answer machine) arch=$(answer arch)
there=$(answer there)
[ -n "$system" ] || fail "$host does not answer as a Linux computer does, but: $(head -n 5 "$work/answer")"
[ "$system" = Linux ] || fail "$host is a $system computer; this is for Linux. picam send runs there too: see docs/pi.md"
[ -n "$(answer systemctl)" ] || fail "$host has no systemd to start picam with: copy $dist/picam-linux-* there by hand, see docs/pi.md"
case $there in
/tmp/picam-*) ;;
*)
	there=
	fail "$host cannot make a folder in /tmp, see above. Is its disk full? Look with: ssh $host df -h"
	;;
esac
package=
case $arch:$machine in
armhf:armv6*) target=linux-armv6 package=armhf ;;
armhf:*) target=linux-armv7 package=armhf ;;
arm64:*) target=linux-arm64 package=arm64 ;;
amd64:*) target=linux-amd64 package=amd64 ;;
64:aarch64) target=linux-arm64 ;;
64:x86_64) target=linux-amd64 ;;
*:armv6*) target=linux-armv6 ;;
*:armv7* | *:armv8* | 32:aarch64) target=linux-armv7 ;;
*) fail "$host is a $machine ($arch), for which there is no picam here: make pi makes arm, arm64 and amd64" ;;
esac

mkdir "$work/files"
if [ -n "$deb" ]; then
	[ -n "$package" ] || fail "$host has no dpkg: leave out --deb"
	file=$(printf '%s\n' "$dist"/picam-send_*_"$package.deb" | sort -V | tail -n 1) # of the newest version
	[ -f "$file" ] || fail "there is no $file: type make debs"
	cp "$file" "$work/files/deb"
else
	[ "$(answer package)" != installed ] ||
		fail "picam-send is installed on $host as a package: add --deb, or first type there: sudo apt-get remove picam-send"
	file=$dist/picam-$target
	[ -f "$file" ] || fail "there is no $file: type make pi"
	cp "$file" "$work/files/picam"
	sed 's,/usr/bin/picam,/usr/local/bin/picam,' "$here/packaging/picam-send@.service" >"$work/files/unit"
fi
cp "$here/packaging/camera.env" "$work/files/env"
printf %s "$settings" >"$work/files/settings"
cat >"$work/files/install.sh" <<'REMOTE'
# Runs on the Pi, as root: install.sh NAME
set -eu
here=$(cd "$(dirname "$0")" && pwd) name=$1 changed='' program='' staged=''
service=picam-send@$name env=/etc/picam/$name.env
say() { echo "  $*"; }
# stage MODE FROM TO: puts a file beside the one whose place it is to take, if they differ; commit has them all take
# their places. A program that runs can be replaced so, and where the disk is full nothing has changed.
tidy() {
	for file in $staged; do
		rm -f "$file.new"
	done
}
trap tidy EXIT
stage() {
	if cmp -s "$2" "$3"; then
		return
	fi
	mkdir -p "$(dirname "$3")"
	staged="$staged $3"
	cp "$2" "$3.new"
	chmod "$1" "$3.new"
}
commit() {
	for file in $staged; do
		mv -f "$file.new" "$file"
		changed=yes
		say "wrote $file"
	done
}
if [ -f "$here/deb" ]; then
	dpkg-deb --fsys-tarfile "$here/deb" | tar -xOf - ./usr/bin/picam >"$here/picam"
fi
chmod 755 "$here/picam"
# It is tried before it takes the place of one that may work.
if ! version=$("$here/picam" version) || ! help=$("$here/picam" send --help); then
	say "picam does not run here"
	exit 5
fi
while IFS== read -r variable value; do
	flag=--$(echo "${variable#PICAM_}" | tr 'A-Z_' 'a-z-')
	if ! printf '%s\n' "$help" | grep -q -e "^  $flag\( \|\$\)"; then
		say "picam send has no flag $flag; picam send --help lists them"
		exit 6
	fi
done <"$here/settings"

if [ -f "$env" ]; then
	cp "$env" "$here/env"
fi
# A setting takes the place of the line that has its variable, else it comes last.
while IFS= read -r setting; do
	SETTING=$setting awk '
		BEGIN { setting = ENVIRON["SETTING"]; name = substr(setting, 1, index(setting, "=")) }
		index($0, name) == 1 { if (!done) print setting; done = 1; next }
		{ print }
		END { if (!done) print setting }' "$here/env" >"$here/env.new"
	mv "$here/env.new" "$here/env"
done <"$here/settings"
# One receiver is enough: to send there, or to wait for some.
if grep -q '^PICAM_LISTEN=' "$here/settings"; then
	sed -i '/^PICAM_TO=/d' "$here/env"
elif grep -q '^PICAM_TO=' "$here/settings"; then
	sed -i '/^PICAM_LISTEN=/d' "$here/env"
fi

stage 644 "$here/env" "$env"
if [ -f "$here/deb" ]; then
	if ! cmp -s "$here/picam" /usr/bin/picam; then
		dpkg -i --force-confold "$here/deb" >"$here/dpkg" 2>&1 || {
			cat "$here/dpkg"
			exit 7
		}
		changed=yes program=yes
		say "installed the package picam-send"
	fi
	# From when it was installed without --deb; they would count more than the package's.
	for old in /usr/local/bin/picam /etc/systemd/system/picam-send@.service; do
		if [ -f "$old" ]; then
			rm "$old"
			changed=yes program=yes
			say "removed $old"
		fi
	done
else
	stage 755 "$here/picam" /usr/local/bin/picam
	stage 644 "$here/unit" /etc/systemd/system/picam-send@.service
	case $staged in
	*/picam*.service | */bin/picam*) program=yes ;;
	esac
fi
commit
if [ -n "$changed" ]; then
	systemctl daemon-reload
fi
if ! systemctl is-enabled --quiet "$service"; then
	systemctl enable --quiet "$service"
	say "$service will start with the computer"
fi
if [ -n "$changed" ] || ! systemctl is-active --quiet "$service"; then
	say "starting $service"
	if ! systemctl restart "$service"; then
		sleep 1 # until its last words are in the journal
		systemctl status --no-pager --lines 0 "$service" || true
		journalctl --no-pager --lines 8 --output cat --unit "$service" || true
		exit 3
	fi
else
	say "nothing to do: all is as it should be"
fi
# Other cameras have the same program.
if [ -n "$program" ]; then
	for other in $(systemctl list-units --plain --no-legend 'picam-send@*.service' | awk '{ print $1 }'); do
		if [ "$other" != "$service.service" ]; then
			say "starting $other"
			systemctl try-restart "$other" || true
		fi
	done
fi
say "$version"
REMOTE

say "$host is a $machine, $arch: $(basename "$file")"
# shellcheck disable=SC2086 # a list of words
scp -q $with "$work"/files/* "$host:$there/" || fail "cannot copy to $host:$there, see above. Is its disk full? Look with: ssh $host df -h
  Nothing was changed there."

# A terminal lets sudo ask for a password.
terminal=
[ ! -t 0 ] || terminal=-t
status=0
# shellcheck disable=SC2086,SC2029 # lists of words; to be expanded here
ssh $terminal $with "$host" "
	sudo=
	if [ \$(id -u) != 0 ]; then
		sudo=sudo
		[ -n '$terminal' ] || sudo='sudo -n'
		\$sudo true || exit 4
	fi
	\$sudo sh '$there/install.sh' '$name'" || status=$?
case $status in
0)
	say "picam-send@$name runs on $host. What it does and says:
  ssh $host systemctl status picam-send@$name
  ssh $host journalctl -f -u picam-send@$name"
	;;
3) fail "picam-send@$name was installed on $host but does not run, see above; it goes on trying. docs/pi.md has advice" ;;
4) fail "installing needs root on $host, and its user may not use sudo, or only with a password.
  Run this in a terminal, or for root@${host#*@}. Nothing was changed there." ;;
5) fail "$(basename "$file") does not run on $host, which is a $machine ($arch), see above. Nothing was changed there." ;;
6) fail "see above. Nothing was changed on $host." ;;
*) fail "installing on $host failed with status $status, see above. The picam that was there still is." ;;
esac
