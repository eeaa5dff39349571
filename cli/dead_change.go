package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// DeadRetryCmd produces records again.
type DeadRetryCmd struct{ DeadSelection }

// Help is the rest of --help.
func (*DeadRetryCmd) Help() string {
	return `The record goes to the end of its topic again, with its key, value and headers, and the sink reads it as any other: the tables have each event once, however often it is retried. Remove the reason before (a constraint of the database, a topic of the wrong program); a record that is refused again is a new dead letter. A dead letter leaves the list when the log has acknowledged the record.

A dead letter that is not whole, a batch that cannot be read, and an older record of a run cannot be retried.

` + WhenHelp
}

// Run implements the command.
func (c *DeadRetryCmd) Run(ctx context.Context, env *Env) error {
	letters, cfg, err := c.selected(ctx, env)
	if err != nil || len(letters) == 0 {
		return err
	}
	why, err := kafka.RetryRefusals(ctx, cfg, letters)
	if err != nil {
		return err
	}
	var possible []kafka.DeadLetter
	refused, first := 0, ""
	for i, d := range letters {
		switch {
		case why[i] == "":
			possible = append(possible, d)
		case refused == 0:
			first = fmt.Sprintf("%s cannot be retried: %s", d.Key, why[i])
			fallthrough
		default:
			refused++
		}
	}
	if refused > 0 && (len(c.Key) > 0 || len(possible) == 0) {
		return usage.New(fmt.Sprintf("%[1]s dead show prints it, %[1]s dead drop takes it off the list", env.Name), "%s", first)
	}
	n, err := kafka.RetryDeadLetters(ctx, cfg, possible)
	if n > 0 {
		fmt.Fprintf(env.Stdout, "%s produced again; %s dead list shows those that the sink refuses again\n", plural(n, "record"), env.Name)
	}
	if refused > 0 {
		fmt.Fprintf(env.Stderr, "%s left: %s\n", plural(refused, "dead letter"), first)
	}
	return err
}

// DeadDropCmd drops dead letters.
type DeadDropCmd struct {
	DeadSelection
	Yes bool `short:"y" env:"-" help:"Do not ask."`
}

// Help is the rest of --help.
func (*DeadDropCmd) Help() string {
	return `A dropped dead letter is no longer listed, and cannot be retried. Its record stays in the log as long as the log keeps it, and is a dead letter again if the tables are filled from the log again and refuse it again.

` + WhenHelp
}

// Run implements the command.
func (c *DeadDropCmd) Run(ctx context.Context, env *Env) error {
	if !c.Yes && !asks(env.Stdin) {
		return errNotAsked()
	}
	letters, cfg, err := c.selected(ctx, env)
	if err != nil || len(letters) == 0 {
		return err
	}
	if !c.Yes {
		yes, err := confirm(ctx, env, fmt.Sprintf("Drop %s, from %s to %s, for good?", plural(len(letters), "dead letter"), letters[0].Key, letters[len(letters)-1].Key))
		if err != nil {
			return err
		}
		if !yes {
			fmt.Fprintln(env.Stderr, "nothing was dropped")
			return nil
		}
	}
	n, err := kafka.DropDeadLetters(ctx, cfg, letters)
	if n > 0 {
		fmt.Fprintf(env.Stdout, "%s dropped\n", plural(n, "dead letter"))
	}
	return err
}

func errNotAsked() error {
	return usage.New("add --yes", "drop asks before it drops, and standard input is no terminal")
}

// asks reports whether a question can be answered on in.
func asks(in io.Reader) bool {
	w, ok := in.(io.Writer)
	return ok && Terminal(w) != nil
}

// confirm asks on standard error and reports whether the answer is yes. It returns when
// ctx ends; the read then stays until the process ends.
func confirm(ctx context.Context, env *Env, question string) (bool, error) {
	fmt.Fprintf(env.Stderr, "%s [y/N] ", question)
	type reply struct {
		line string
		err  error
	}
	replies := make(chan reply, 1) // of one read
	go func() {
		line, err := bufio.NewReader(env.Stdin).ReadString('\n')
		replies <- reply{line, err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(env.Stderr)
		return false, nil
	case r := <-replies:
		if r.err != nil && r.line == "" { // such as /dev/null
			fmt.Fprintln(env.Stderr)
			return false, errNotAsked()
		}
		switch strings.ToLower(strings.TrimSpace(r.line)) {
		case "y", "yes":
			return true, nil
		}
		return false, nil
	}
}

// plural returns "1 record" or "2 records".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
