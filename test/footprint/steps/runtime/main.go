// Command runtime does nothing: what it weighs is Go's runtime.
package main

func main() {}
