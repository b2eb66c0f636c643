#!/bin/sh
# How picam is compiled, in one place: build tags everywhere, compiler and linker flags where they help.
#
#   eval "$(scripts/build-env.sh)"               for plain go commands in this shell
#   scripts/build-env.sh go test ./...           runs one command with them
#   TAGS=matprofile scripts/build-env.sh ...     with further build tags
#
# What the caller has set in GOFLAGS and CGO_* is kept. Applying it twice changes nothing, so that nothing is
# compiled anew.
set -euf # -f: words below come from lists, never from file names

# Without the first tag gocv also compiles its aruco, dnn, highgui, objdetect and video parts. picam uses none of them, and
# some need OpenCV 4.9. The second one leaves cli's makers of documents out, which take a millisecond of each start.
tags=gocv_specific_modules,urfave_cli_no_docs

# add LIST WORD...: prints LIST and, after it, those words that it lacks.
add() {
	list=$1
	shift
	for word; do
		case " $list " in
		*" $word "*) ;;
		*) list="$list${list:+ }$word" ;;
		esac
	done
	echo "$list"
}

# gocv always compiles its imgcodecs part, which loads GDAL: 45 ms at every start and 290 MB in an image. picam calls
# none of it, but only lld then leaves the library out. The tag customenv tells gocv to take all flags from here.
cflags=${CGO_CFLAGS-} cxxflags=${CGO_CXXFLAGS-} ldflags=${CGO_LDFLAGS-}
if command -v ld.lld >/dev/null && pkg-config --exists opencv4 2>/dev/null; then
	tags=$tags,customenv
	sections='-ffunction-sections -fdata-sections'
	# shellcheck disable=SC2046,SC2086 # lists of words
	{
		cflags=$(add "${cflags:--O2}" $sections)
		cxxflags=$(add "${cxxflags:---std=c++11 -DNDEBUG -O2}" $(pkg-config --cflags-only-I opencv4) $sections)
		ldflags=$(add "$ldflags" -fuse-ld=lld -Wl,--gc-sections -Wl,--as-needed $(pkg-config --libs-only-L opencv4) \
			-lopencv_core -lopencv_imgproc -lopencv_imgcodecs)
	}
fi

# go accepts one -tags flag, so the caller's tags come into ours.
goflags=
for flag in $(go env GOFLAGS); do
	case $flag in
	-tags=* | --tags=*) tags=${flag#*=},$tags ;;
	*) goflags="$goflags$flag " ;;
	esac
done
# shellcheck disable=SC2046 # a list of words
tags=$(add '' $(echo "$tags,${TAGS-}" | tr ',' ' '))
goflags=$goflags-tags=$(echo "$tags" | tr ' ' ',')

if [ $# -gt 0 ]; then
	export GOFLAGS="$goflags" CGO_CFLAGS="$cflags" CGO_CXXFLAGS="$cxxflags" CGO_LDFLAGS="$ldflags"
	exec "$@"
fi

# print NAME VALUE: prints a line for the shell that sets it.
print() {
	echo "export $1='$(echo "$2" | sed "s/'/'\\\\''/g")'"
}
print GOFLAGS "$goflags"
print CGO_CFLAGS "$cflags"
print CGO_CXXFLAGS "$cxxflags"
print CGO_LDFLAGS "$ldflags"
