package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/sightlog/sightlog/usage"
)

const (
	tokenTimeout = 10 * time.Second // of a program or an endpoint that gives a token
	maxToken     = 64 << 10         // bytes of a token, and of what a program prints
)

// tokenSource is where tokens come from.
type tokenSource struct {
	from         string // file:PATH, command:PROGRAM or the address of a token endpoint
	user, secret string // that the endpoint knows
	scope        []string
	flags        string // prefix of the flags that messages name
}

// tokenError is about a token: it cannot be got, or the brokers refuse it.
type tokenError struct{ error }

func (e tokenError) Unwrap() error { return e.error }

// tokenSources are the forms of tokenSource.from, for messages.
const tokenSources = "file:PATH, command:PROGRAM or the https:// address of a token endpoint"

// mechanism returns OAUTHBEARER. A token is got for each login, also where the
// brokers ask for a new one on an open connection (KIP-368), so an expired one is replaced.
func (s tokenSource) mechanism() (sasl.Mechanism, error) {
	get, err := s.tokens()
	if err != nil {
		return nil, err
	}
	mech := oauth.Oauth(func(ctx context.Context) (oauth.Auth, error) {
		token, err := get(ctx)
		if err == nil && token == "" {
			err = errors.New("it is empty")
		}
		if err != nil {
			return oauth.Auth{}, tokenError{fmt.Errorf("get a token by %ssasl-token: %w", s.flags, err)}
		}
		return oauth.Auth{Token: token}, nil
	})
	return bearer{mech, s.flags}, nil
}

// bearer is OAUTHBEARER that reports why brokers refuse a token, which the library does not.
type bearer struct {
	sasl.Mechanism
	flags string
}

func (b bearer) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	s, first, err := b.Mechanism.Authenticate(ctx, host)
	return bearerSession{s, b.flags}, first, err
}

type bearerSession struct {
	sasl.Session
	flags string
}

// Challenge gets nothing when the token was accepted, else a reason as JSON (RFC 7628, 3.2.2).
func (s bearerSession) Challenge(reason []byte) (bool, []byte, error) {
	if len(reason) > 0 {
		return false, nil, tokenError{fmt.Errorf("the brokers refuse the token of %ssasl-token: %.200q", s.flags, reason)}
	}
	return s.Session.Challenge(reason)
}

// tokens returns the function that gets a token.
func (s tokenSource) tokens() (func(context.Context) (string, error), error) {
	if path, ok := strings.CutPrefix(s.from, "file:"); ok {
		path, err := usage.Path(path)
		if err != nil || path == "" {
			return nil, usage.Wrap(err, "give file:PATH", "%ssasl-token %s", s.flags, s.from)
		}
		return func(context.Context) (string, error) { return tokenOfFile(path) }, nil
	}
	if line, ok := strings.CutPrefix(s.from, "command:"); ok {
		if line == "" {
			return nil, usage.New("give command:PROGRAM", "%ssasl-token %s", s.flags, s.from)
		}
		return func(ctx context.Context) (string, error) { return tokenOfProgram(ctx, line) }, nil
	}
	return s.endpoint()
}

func tokenOfFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxToken))
	return strings.TrimSpace(string(text)), err
}

// tokenOfProgram runs a line of the shell and returns what it prints.
func tokenOfProgram(ctx context.Context, line string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	var out, diag bytes.Buffer
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Stdout, cmd.Stderr = &out, &diag
	cmd.WaitDelay = time.Second // a child of it may hold the output
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %.200s", line, err, bytes.TrimSpace(diag.Bytes()))
	}
	if out.Len() > maxToken {
		return "", fmt.Errorf("%s: it prints %d bytes", line, out.Len())
	}
	return strings.TrimSpace(out.String()), nil
}

// endpoint asks a token endpoint for one by the client's credentials (RFC 6749, 4.4), and keeps
// it until shortly before it expires.
func (s tokenSource) endpoint() (func(context.Context) (string, error), error) {
	u, err := url.Parse(s.from)
	switch {
	case err != nil, u.Host == "", u.Scheme != "https" && u.Scheme != "http":
		return nil, usage.New("give "+tokenSources, "%ssasl-token %q", s.flags, s.from)
	case u.Scheme == "http" && u.Hostname() != "127.0.0.1" && u.Hostname() != "::1" && u.Hostname() != "localhost":
		return nil, usage.New("use https://", "%ssasl-token %s: the secret would be sent unencrypted", s.flags, u.Redacted())
	case s.user == "" || s.secret == "":
		return nil, usage.New("give the client's id and secret as "+s.flags+"sasl-user and sasl-password", "%ssasl-token %s without them", s.flags, u.Redacted())
	}
	client := &http.Client{Timeout: tokenTimeout}
	credentials := clientcredentials.Config{ClientID: s.user, ClientSecret: s.secret, TokenURL: s.from, Scopes: s.scope}
	// Without the caller's context, which ends with the connection that logs in; the client has a limit.
	source := credentials.TokenSource(context.WithValue(context.Background(), oauth2.HTTPClient, client))
	return func(context.Context) (string, error) {
		token, err := source.Token()
		if err != nil {
			return "", fmt.Errorf("%s: %w", u.Redacted(), err)
		}
		return token.AccessToken, nil
	}, nil
}
