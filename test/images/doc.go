// Package images makes the files of the product's images, and tests the images.
//
// It promises that the files depend on the sources, the version, the time of the
// commit and the Go toolchain that go.mod names, and on nothing else of the machine
// that makes them: neither on its folders, its clock, its umask nor its own Go.
// The Dockerfile only copies them, so the same builder makes the same images of
// them, digest for digest. The test's two builds share the builder and Go's cache of
// what it compiled, and have folders, clocks and permissions of their own.
//
// Beside each program lies its bill of materials (CycloneDX), read from the
// program itself: the modules that were linked, with their versions and hashes, and
// the standard library.
package images
