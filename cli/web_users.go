package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/web/auth"
	"github.com/sightlog/sightlog/web/route"
)

// WebCmd has the users and tokens of the page.
type WebCmd struct {
	User  WebUserCmd  `cmd:"" help:"Users, who log in with a password: add, password, remove, list."`
	Token WebTokenCmd `cmd:"" help:"Tokens of programs, which send one with each request: add, remove."`
}

// WebUserCmd changes the users.
type WebUserCmd struct {
	Add      WebUserAddCmd      `cmd:"" help:"Add a user."`
	Password WebUserPasswordCmd `cmd:"" help:"Give a user another password, and log the user out."`
	Remove   WebUserRemoveCmd   `cmd:"" help:"Remove a user, and log the user out."`
	List     WebUserListCmd     `cmd:"" help:"List users and tokens."`
}

// WebTokenCmd changes the tokens.
type WebTokenCmd struct {
	Add    WebTokenAddCmd    `cmd:"" help:"Add a token and print it, this once."`
	Remove WebTokenRemoveCmd `cmd:"" help:"Remove a token."`
}

// usersFile is the file that a command changes.
type usersFile struct {
	config.WebUsers
}

func (u usersFile) file() (auth.File, error) {
	if u.WebUsers.WebUsers == "" {
		return "", usage.New("add --web-users FILE", "no file of users is named")
	}
	return auth.File(u.WebUsers.WebUsers), nil
}

// roleFlag is the role of something new.
type roleFlag struct {
	Role string `enum:"reader,admin" default:"reader" env:"-" help:"reader: sees everything; admin: changes settings, too (${default})."`
}

func (f roleFlag) role() route.Role {
	if f.Role == route.Admin.String() {
		return route.Admin
	}
	return route.Reader
}

// remove removes a user or a token.
func (u usersFile) remove(env *Env, kind, name string, by func(auth.File, string) error) error {
	f, err := u.file()
	if err == nil {
		err = by(f, name)
	}
	if err == nil {
		fmt.Fprintf(env.Stdout, "%s %s is removed\n", kind, name)
	}
	return err
}

// WebUserAddCmd adds a user.
type WebUserAddCmd struct {
	usersFile
	roleFlag
	Name string `arg:"" help:"The name to log in with."`
}

// Help is the rest of --help.
func (*WebUserAddCmd) Help() string { return passwordHelp }

const passwordHelp = `The password is asked for on the terminal, or is the first line of standard input. The file has its hash (argon2id). A page that is running takes the change at once.`

// Run implements the command.
func (c *WebUserAddCmd) Run(env *Env) error {
	f, err := c.file()
	if err != nil {
		return err
	}
	password, err := askPassword(env, c.Name)
	if err != nil {
		return err
	}
	if err := f.AddUser(c.Name, c.role(), password); err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "%s can log in, as %s\n", c.Name, c.Role)
	return nil
}

// WebUserPasswordCmd changes a password.
type WebUserPasswordCmd struct {
	usersFile
	Name string `arg:"" help:"The user."`
}

// Help is the rest of --help.
func (*WebUserPasswordCmd) Help() string { return passwordHelp }

// Run implements the command.
func (c *WebUserPasswordCmd) Run(env *Env) error {
	f, err := c.file()
	if err != nil {
		return err
	}
	password, err := askPassword(env, c.Name)
	if err != nil {
		return err
	}
	if err := f.SetPassword(c.Name, password); err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "%s has another password\n", c.Name)
	return nil
}

// WebUserRemoveCmd removes a user.
type WebUserRemoveCmd struct {
	usersFile
	Name string `arg:"" help:"The user."`
}

// Run implements the command.
func (c *WebUserRemoveCmd) Run(env *Env) error {
	return c.remove(env, "user", c.Name, auth.File.RemoveUser)
}

// WebUserListCmd lists users and tokens.
type WebUserListCmd struct {
	usersFile
}

// Run implements the command.
func (c *WebUserListCmd) Run(env *Env) error {
	f, err := c.file()
	if err != nil {
		return err
	}
	all, err := f.Entries()
	for _, e := range all {
		fmt.Fprintf(env.Stdout, "%-6s %-6s %s\n", e.Kind, e.Role, e.Name)
	}
	return err
}

// WebTokenAddCmd adds a token.
type WebTokenAddCmd struct {
	usersFile
	roleFlag
	Name string `arg:"" help:"The program that will have it."`
}

// Help is the rest of --help.
func (*WebTokenAddCmd) Help() string {
	return `The token is printed, and cannot be printed again: the file has its hash. A program sends it as the header Authorization: Bearer TOKEN.`
}

// Run implements the command.
func (c *WebTokenAddCmd) Run(env *Env) error {
	f, err := c.file()
	if err != nil {
		return err
	}
	token, err := f.AddToken(c.Name, c.role())
	if err == nil {
		fmt.Fprintln(env.Stdout, token)
	}
	return err
}

// WebTokenRemoveCmd removes a token.
type WebTokenRemoveCmd struct {
	usersFile
	Name string `arg:"" help:"The token's name."`
}

// Run implements the command.
func (c *WebTokenRemoveCmd) Run(env *Env) error {
	return c.remove(env, "token", c.Name, auth.File.RemoveToken)
}

// Passwords are as long as NIST SP 800-63B asks of those that are all there is.
const (
	minPassword = 12
	maxPassword = 1024
)

// askPassword reads a new password: twice from the terminal, without showing it, or the first
// line of standard input.
func askPassword(env *Env, of string) (password string, err error) {
	if f, is := env.Stdin.(*os.File); is && term.IsTerminal(int(f.Fd())) {
		if password, err = hidden(env, f, "Password of "+of+": "); err != nil {
			return "", err
		}
		again, err := hidden(env, f, "Again: ")
		if err != nil {
			return "", err
		}
		if again != password {
			return "", usage.New("try again", "the passwords differ")
		}
	} else {
		line, err := bufio.NewReader(io.LimitReader(env.Stdin, maxPassword+2)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", err)
		}
		password = strings.TrimRight(line, "\r\n")
	}
	switch n := len([]rune(password)); {
	case n < minPassword:
		return "", usage.New(fmt.Sprintf("use at least %d characters", minPassword), "the password is too short")
	case len(password) > maxPassword:
		return "", usage.New(fmt.Sprintf("use at most %d bytes", maxPassword), "the password is too long")
	}
	return password, nil
}

func hidden(env *Env, f *os.File, question string) (string, error) {
	fmt.Fprint(env.Stderr, question)
	b, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(env.Stderr)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return string(b), nil
}
