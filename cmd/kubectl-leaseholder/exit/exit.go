// Package exit is how the plugin's commands end: an error can have an exit code, and
// all commands mean the same by one.
package exit

import "errors"

// Exit codes.
const (
	Done = 0
	// Failed: the command line is wrong, the cluster did not answer, or something could
	// not be read or written.
	Failed = 1
	// Wrong: what was judged is wrong.
	Wrong = 2
)

type coded struct {
	error

	code int
}

// Unwrap lets errors.Is and errors.As look at the error itself.
func (c coded) Unwrap() error { return c.error }

// With gives an error an exit code.
func With(code int, err error) error { return coded{err, code} }

// Code is that of an error: Failed if it was given none.
func Code(err error) int {
	var c coded
	switch {
	case err == nil:
		return Done
	case errors.As(err, &c):
		return c.code
	}
	return Failed
}
