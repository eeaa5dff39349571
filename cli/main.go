package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

// Main parses args into grammar (a pointer to a struct of commands, each with
// a method Run(context.Context, *Env) error) and runs the command. It returns
// the exit code.
func Main(name string, grammar any, args []string) int {
	keepName(name)
	if code, ok := runAsFirst(); ok {
		return code
	}
	ctx, cancel := untilStopped(os.Stderr)
	defer cancel(nil)
	unread := func() { cancel(errUnread) }
	env := &Env{Name: name, Stdin: os.Stdin, Stdout: output{os.Stdout, unread}, Stderr: output{os.Stderr, unread}}
	err := run(ctx, env, grammar, args)
	if errors.Is(context.Cause(ctx), errUnread) { // nobody reads messages either
		return 128 + int(syscall.SIGPIPE)
	}
	if err == nil {
		return 0
	}
	report(env, err)
	return ExitCode(err)
}

// report writes the error with which a command ended. It may quote names from elsewhere.
func report(env *Env, err error) {
	switch msg := string(query.Printable([]byte(err.Error()))); {
	case msg == "":
	case env.Common.LogFormat == jsonFormat:
		env.Logger(slog.LevelError).Error(msg, "exit_code", ExitCode(err)) //nolint:sloglint // the message is the error
	default:
		fmt.Fprintf(env.Stderr, "%s: %s\n", env.Name, msg)
	}
}

// coder is an error that knows its exit code.
type coder interface{ ExitCode() int }

// ExitCode returns the exit code that an error stands for.
func ExitCode(err error) int {
	var c coder
	switch {
	case usage.Is(err):
		return usage.ExitCode
	case errors.As(err, &c):
		return c.ExitCode()
	}
	return 1
}

// exit is how the parser ends the program after --help.
type exit int

func run(ctx context.Context, env *Env, grammar any, args []string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			if code, ok := r.(exit); !ok || code != 0 {
				panic(r)
			}
			err = nil
		}
	}()
	k, err := parse(env, grammar, args)
	if err != nil {
		return err
	}
	if env.Common.LogFormat == jsonFormat {
		env.Stderr = newJSONLines(env.Stderr)
	}
	k.BindTo(ctx, (*context.Context)(nil))
	return k.Run(env)
}

// Check parses args without running anything and returns nil if they are a command. The
// tests of documents, units and compose files use it.
func Check(name string, grammar any, args []string) error {
	_, err := parse(&Env{Name: name, Stdout: io.Discard, Stderr: io.Discard}, grammar, args)
	return err
}

// NewParser returns the parser of a grammar, with the reports of package query as
// commands.
func NewParser(env *Env, grammar any) (*kong.Kong, error) {
	if g, ok := grammar.(interface{ prepare() }); ok {
		g.prepare()
	}
	parser, err := kong.New(grammar,
		kong.Name(env.Name),
		kong.Description("Cameras and video files go in; every person seen becomes a row in PostgreSQL."),
		kong.DefaultEnvars("SIGHTLOG"),
		kong.Vars{"model": DefaultModel, "reports": strings.Join(query.ReportNames(), ", ")},
		kong.Writers(env.Stdout, env.Stderr),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.WithBeforeResolve(env.loadFile),
		kong.KindMapper(reflect.String, kong.MapperFunc(text)),
		kong.Embed(&env.Common),
	)
	if err == nil {
		removeFlags(parser.Model.Node)
	}
	return parser, err
}

func parse(env *Env, grammar any, args []string) (*kong.Context, error) {
	parser, err := NewParser(env, grammar)
	if err != nil {
		return nil, err
	}
	for _, flag := range allFlags(parser.Model.Node) {
		flag.Envs = slices.DeleteFunc(flag.Envs, func(name string) bool { return os.Getenv(name) == "" })
		flag.Tag.Envs = flag.Envs
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if err != nil {
		return nil, parseError(env, err)
	}
	for _, check := range []func(*kong.Context) error{expandHome, refuseEmpty, checkAddresses} {
		if err := check(k); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// refuseEmpty returns an error for an empty value of a flag with a default: an empty
// --data would be the current directory.
func refuseEmpty(k *kong.Context) error {
	for _, flag := range k.Flags() {
		if s, ok := k.FlagValue(flag).(string); ok && strings.TrimSpace(s) == "" && flag.Default != "" {
			return usage.New("leave it out for "+flag.Default, "--%s is empty", flag.Name)
		}
	}
	return nil
}

// parseError returns one line about a command line that does not parse.
func parseError(env *Env, err error) error {
	if usage.Is(err) {
		return err
	}
	msg, _, _ := strings.Cut(err.Error(), "\n")
	return usage.Wrap(err, "see "+env.Name+" --help", "%s", msg)
}
