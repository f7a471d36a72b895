#!/bin/sh
# Installs Azurite and prints the folder that it is in:
#   install.sh
#
# npm/ pins it with all that it needs, by version and checksum, and leaves out what is
# never used here: its telemetry, and drivers of databases. It is kept in the user's cache
# directory, under a key made of the pins. npm is needed the first time, node always: the
# target azurite of the Makefile installs both on a Debian.
set -eu

pins=$(cd "$(dirname "$0")" && pwd)/npm
cache=${XDG_CACHE_HOME:-$HOME/.cache}/leaseholder
key=$(cd "$pins" && cat package.json package-lock.json .npmrc absent/* "../install.sh" | sha256sum | cut -c1-16)
final=$cache/azurite-$key

if [ ! -d "$final" ]; then
	mkdir -p "$cache"
	# The tests of several packages may install at the same time.
	exec 9>"$final.lock"
	flock 9
fi
if [ ! -d "$final" ]; then
	command -v npm >/dev/null || {
		echo "install.sh: npm is not installed; on a Debian, make azurite installs it" >&2
		exit 1
	}
	echo "installing Azurite, once for this version" >&2
	# The lock is held, so what has this name is from an installation that was killed.
	rm -rf "$final.installing"
	cp -R "$pins" "$final.installing"
	npm ci --prefix "$final.installing" >&2
	mv "$final.installing" "$final"
fi
echo "$final"
