// Package usage holds the one error that means "what was asked cannot be":
// a person typed something wrong, or pointed at something that is not there.
// It is printed as a single line and ends the program with exit code 2. It also
// reads what is typed where all commands read it alike: a near name, a path.
// It imports nothing of ours, so that every package can return it.
package usage

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// ExitCode is the exit code of a program that was asked something impossible.
const ExitCode = 2

// Error says what was wrong, where, and how to mend it.
type Error struct {
	// What is wrong, with the place: "--source cam1=porch.mp4: no such file".
	What string
	// Fix says how to mend it: "check the path". May be empty.
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
