// Package usage defines the error of an invalid request or configuration: a user typed
// something wrong, or named something that does not exist. It is printed as a single
// line and ends the program with exit code 2. The package also has what all commands
// need to read a user's text: the nearest known name, and ~ in a path. It imports no
// package of this module, so that every package can return the error.
package usage

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// ExitCode is the exit code after an Error.
const ExitCode = 2

// Error describes an invalid request: what is wrong, where, and how to fix it.
type Error struct {
	// What names the fault and its place: "--source cam1=porch.mp4: no such file".
	What string
	// Fix is how to fix it: "check the path". It may be empty.
	Fix string
	// Cause is the underlying error, if any; it is not printed.
	Cause error
}

// New returns an Error without a cause.
func New(fix, format string, args ...any) *Error {
	return &Error{What: fmt.Sprintf(format, args...), Fix: fix}
}

// Wrap returns an Error with a cause, which errors.Is and errors.As see.
func Wrap(cause error, fix, format string, args ...any) *Error {
	return &Error{What: fmt.Sprintf(format, args...), Fix: fix, Cause: cause}
}

// Error returns the whole message on one line.
func (e *Error) Error() string {
	s := e.What
	if e.Fix != "" {
		s += "; " + e.Fix
	}
	return strings.Join(strings.Fields(s), " ")
}

func (e *Error) Unwrap() error { return e.Cause }

// Is reports whether err is, or wraps, an Error.
func Is(err error) bool {
	var u *Error
	return errors.As(err, &u)
}

// Cause returns err without the operation and the path of an *fs.PathError, for a
// message that names the path already.
func Cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
