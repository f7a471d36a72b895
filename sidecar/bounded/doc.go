// Package bounded shares what there is a fixed amount of among those who ask for it, so
// that none takes all: connections, memory.
//
// Who asks is told by the address alone. Who has many addresses can take many shares, and
// who shares one with others takes of theirs.
package bounded
