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

// ends are the signals that ask for the end: those of a terminal (Ctrl-C,
// Ctrl-\, it was closed) and of who started us.
var ends = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}

// impatient is how often Ctrl-C must be pressed to end the program at once.
const impatient = 3

// errUnread is the cause when nobody reads the output any more.
var errUnread = errors.New("nobody reads the output any more")

// untilTold returns a context that ends when the program is asked to end, or
// with the function returned. The end is orderly then: each stage stops in the
// order of the data, the summary is printed, the private database is stopped.
// That takes seconds, so further signals change nothing: who closes a terminal
// or stops a service sends several. A person's Ctrl-C does, the third time.
//
// A closed pipe is an error of the write alone: see output.
func untilTold(stderr io.Writer) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	told := make(chan os.Signal, 4)
	for _, s := range ends {
		if s != syscall.SIGHUP || !signal.Ignored(s) { // nohup wants it ignored
			signal.Notify(told, s)
		}
	}
	// Nothing receives from it. Ignoring the signal instead would be inherited by
	// the programs that we start.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	go func() { // ends with the process
		pressed := 0
		for s := range told {
			cancel(nil)
			if s != os.Interrupt {
				continue
			}
			switch pressed++; pressed {
			case impatient - 1:
				fmt.Fprintln(stderr, "stopping; Ctrl-C once more ends it at once")
			case impatient:
				os.Exit(128 + int(syscall.SIGINT))
			}
		}
	}()
	return ctx, cancel
}

// output is standard output or standard error. When its reader has gone (head
// had enough, tee was interrupted) the program ends, in order.
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

// ReadFrom and WriteString of the file would pass by Write.
func (o output) ReadFrom(r io.Reader) (int64, error) { return io.Copy(struct{ io.Writer }{o}, r) }

// WriteString implements io.StringWriter.
func (o output) WriteString(s string) (int, error) { return o.Write([]byte(s)) }

// Terminal returns the file where w is a terminal, else nil.
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
