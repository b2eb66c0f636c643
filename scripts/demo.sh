#!/bin/sh
# Runs picam recv and picam send on this computer, with a drawn scene for a camera and the filters of scripts/demo.yaml,
# until Ctrl-C or for some seconds: demo.sh [SECONDS]. With a screen recv opens a window, else it records what it would
# show into this folder.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
picam=${PICAM_BINARY:-$here/picam}

# port FIRST: prints the first TCP port from FIRST on that nothing on this computer uses.
port() {
	cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port="$1" '
		{ sub(/.*:/, "", $2); taken[$2] = 1 }
		END { while (sprintf("%04X", port) in taken) port++; print port }'
}
address=127.0.0.1:$(port 8002)

# The same question that recv --display auto asks.
recording=
if [ "$(uname)" = Linux ] && [ -z "${DISPLAY-}${QT_QPA_PLATFORM-}" ]; then
	recording=demo.mjpeg
	echo "demo: no screen here, so what would be shown goes to $recording"
fi
echo "demo: a camera's frame, and its edges beside it; change $here/scripts/demo.yaml while it runs"

send_log=$(mktemp)
send='' recv=''
# stop PROCESS: ends it, if it was started and still runs, and waits for it.
stop() {
	[ -z "$1" ] || { kill "$1" 2>/dev/null || true; wait "$1" 2>/dev/null; }
}
# Whatever happens, no process is left behind.
trap 'stop "$send" || true; stop "$recv" || true; rm -f "$send_log"' EXIT
trap 'stopped=yes' INT TERM HUP
stopped=

"$picam" recv --listen "$address" --once --config "$here/scripts/demo.yaml" --status always \
	${recording:+--display none --record "$recording" --overwrite} &
recv=$!
# shellcheck disable=SC2086 # seconds of timeout, or no timeout
${1:+timeout $1} "$picam" send --to "$address" --source pattern:scene --size 800x450 --name demo 2>"$send_log" &
send=$!

# running PROCESS: whether it has not ended.
running() { kill -0 "$1" 2>/dev/null; }
while [ -z "$stopped" ] && running "$recv" && running "$send"; do sleep 0.2 || true; done

status=0
stop "$send" || status=$?
send=
case $status in
0 | 124 | 130 | 143) ;; # its own end, that of timeout, Ctrl-C, and kill
*)
	echo "demo: picam send failed with status $status:" >&2
	cat "$send_log" >&2
	exit 1
	;;
esac

status=0
stop "$recv" || status=$?
recv=
if [ "$status" = 0 ] && [ -n "$recording" ]; then
	echo "demo: what it showed is in $recording; to see it: ffplay $recording"
fi
exit "$status"
