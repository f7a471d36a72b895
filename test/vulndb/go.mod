// The database of known vulnerabilities, of a fixed day, for checks that must
// not change by themselves and that ask nobody.
//
// A newer one: go -C test/vulndb get golang.org/x/vulndb@latest
module github.com/leaseholder-dev/leaseholder/test/vulndb

go 1.26.0

require golang.org/x/vulndb v0.0.0-20261105234957-e22db6528018
