// Package sidecar is the sidecar's program without its locks: it reads the settings,
// opens the lock that they name, runs the candidate, serves how it goes, and reports it in
// the election's Lease where the lock is another. The commands leaseholder-sidecar and
// leaseholder-sidecar-cloud differ in the locks that they give it, and so in what they
// link.
//
// It promises that only bad settings, an unknown cluster or a taken port end the process
// before it is told to stop, and that a lock that the program does not know is refused
// by name. A lock outside the cluster needs no cluster: without one it is reported nowhere.
package sidecar
