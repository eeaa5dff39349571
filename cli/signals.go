package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// ends are the signals that ask the program to end: those of a terminal (Ctrl-C, Ctrl-\,
// closing it) and of the parent process.
var ends = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}

// interruptsToExit is how often Ctrl-C must be pressed to end the program at once.
const interruptsToExit = 3

// errUnread is the cause of the end if the reader of the output has gone.
var errUnread = errors.New("the reader of the output has gone")

// untilStopped returns a context that ends when the program is asked to end, or when the
// returned function is called. The services then stop in the order of the data, and the
// summary is printed. That takes seconds, during which further signals have no effect: a
// closed terminal or a stopped service sends several. Only the third Ctrl-C exits at once,
// with exit code 130 and without any clean-up; the second prints that it will. Other
// signals are not counted.
//
// SIGPIPE has no effect: a closed pipe is an error of the write (see output).
func untilStopped(stderr io.Writer) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 4)
	for _, s := range ends {
		if s != syscall.SIGHUP || !signal.Ignored(s) { // nohup wants it ignored
			signal.Notify(signals, s)
		}
	}
	// Nothing receives from this channel. Ignoring the signal instead would be inherited
	// by child processes.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	go func() { // ends with the process
		pressed := 0
		for s := range signals {
			cancel(nil)
			if s != os.Interrupt {
				continue
			}
			switch pressed++; pressed {
			case interruptsToExit - 1:
				fmt.Fprintln(stderr, "stopping; Ctrl-C once more ends it at once")
			case interruptsToExit:
				os.Exit(128 + int(syscall.SIGINT))
			}
		}
	}()
	return ctx, cancel
}

// output is standard output or standard error. When its reader has gone (head, an
// interrupted tee) the program ends in order.
type output struct {
	*os.File
	unread func()
}

// Write implements io.Writer.
func (o output) Write(b []byte) (int, error) {
	n, err := o.File.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		o.unread()
	}
	return n, err
}

// ReadFrom replaces that of the file, which would bypass Write, as WriteString does.
func (o output) ReadFrom(r io.Reader) (int64, error) { return io.Copy(struct{ io.Writer }{o}, r) }

// WriteString implements io.StringWriter.
func (o output) WriteString(s string) (int, error) { return o.Write([]byte(s)) }

// Terminal returns the file of w if it is a terminal, else nil.
func Terminal(w io.Writer) *os.File {
	if o, ok := w.(output); ok {
		w = o.File
	}
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	if st, err := f.Stat(); err != nil || st.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return f
}
