// Package footprint measures how large the sidecar's program is, holds it to its
// budget, and says what it is made of: which import costs how much. The sidecar
// runs in every pod, so a library that it takes in is paid for by everybody.
//
// It promises that the parts that it names add up to the program's size, that
// what can't be attributed to an import is named as such, and that everything is
// measured by building: nothing is estimated. docs/footprint.md is written from
// what it finds; `make footprint` prints that.
package footprint
