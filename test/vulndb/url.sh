#!/bin/sh
# Prints where the pinned database of vulnerabilities is, as govulncheck's -db
# takes it, and says its day. It is the folder of reports in the module that go.mod
# names, which govulncheck reads as it is.
set -eu

cd "$(dirname "$0")"
unset GOFLAGS
export GOWORK=off

version=$(go list -m -f '{{.Version}}' golang.org/x/vulndb)
go mod download golang.org/x/vulndb
day=$(printf '%s' "$version" | cut -d- -f2 | cut -c1-8)
echo "database of vulnerabilities: the pinned one of $day" >&2
echo "file://$(go list -m -f '{{.Dir}}' golang.org/x/vulndb)/data/osv"
