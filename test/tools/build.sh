#!/bin/sh
# Builds one of the pinned tools:
#   build.sh NAME OUTPUT
#
# A finished program is kept in the user's cache directory, under a key made of
# the pinned versions, the Go release and the platform, so that a second clone
# copies what the first one built. LEASEHOLDER_TOOLS_CACHE moves it elsewhere.
set -eu

name=$1
output=$2
module=$(cd "$(dirname "$0")" && pwd)
cache=${LEASEHOLDER_TOOLS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/leaseholder/tools}

# Tools run on this machine, whatever platform a build is for. They are not
# bound to a workspace or to flags that the caller uses for its own code.
unset GOOS GOARCH GOFLAGS
export GOWORK=off CGO_ENABLED=0

key=$({
	cat "$module/go.mod" "$module/go.sum" "$0"
	go env GOVERSION GOOS GOARCH
} | sha256sum | cut -c1-16)
cached=$cache/$key/$name

if [ ! -x "$cached" ]; then
	package=$(go -C "$module" list tool | grep "/$name\$") || {
		echo "build.sh: go.mod pins no tool named \"$name\"" >&2
		exit 1
	}
	echo "building $package, once for this version" >&2
	mkdir -p "$cache/$key"
	# Renamed when complete: another clone may build the same at the same time.
	go -C "$module" build -trimpath -buildvcs=false -ldflags="-s -w" -o "$cached.$$" "$package"
	mv -f "$cached.$$" "$cached"
fi

# A copy, not a link: its time of change is now, which is what make compares.
mkdir -p "$(dirname "$output")"
cp -f "$cached" "$output.$$"
mv -f "$output.$$" "$output"
