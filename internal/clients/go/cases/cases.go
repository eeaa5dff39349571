// Package cases has what the programs of this module share: the cases one after the other,
// each with a line on standard output (internal/clients/doc.go has its form), and values to
// write.
package cases

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime/debug"
	"strings"
	"time"
)

// The user of the listener with SASL and TLS.
const (
	User     = "tester"
	Password = "secret"
)

const limit = time.Minute // for which a case may take

// ErrAbsent says that the client has no such thing.
var ErrAbsent = errors.New("absent")

// Absent returns ErrAbsent with the reason.
func Absent(reason string) func(context.Context) error {
	return func(context.Context) error { return fmt.Errorf("%w: %s", ErrAbsent, reason) }
}

// Brokers returns the addresses of the plain listener.
func Brokers() []string { return strings.Split(os.Getenv("BROKERS"), ",") }

// Secure returns the addresses of the listener with SASL and TLS.
func Secure() []string { return strings.Split(os.Getenv("SECURE_BROKERS"), ",") }

// TLS returns the configuration that trusts the authority of that listener.
func TLS() (*tls.Config, error) {
	pem, err := os.ReadFile(os.Getenv("CA_FILE"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: pool}, nil
}

// Values returns n values that can be compressed.
func Values(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("value %03d of a batch that can be compressed", i)
	}
	return out
}

// Name returns a name that nothing has yet.
func Name(kind string) string { return fmt.Sprintf("%s-%08x", kind, rand.Uint32()) }

// Expect returns an error unless got is want.
func Expect(got, want any, what string) error {
	if reflect.DeepEqual(got, want) {
		return nil
	}
	return fmt.Errorf("%s: %.200v, not %.200v", what, got, want)
}

// Until asks until the answer is true.
func Until(ctx context.Context, what string, holds func() (bool, error)) error {
	for {
		ok, err := holds()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited in vain: %s", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Case is a case of the list.
type Case struct {
	Name string
	Run  func(context.Context) error
}

// Run runs the cases of a client whose module is given. One that hangs ends the program.
func Run(module string, cases ...Case) {
	info, _ := debug.ReadBuildInfo()
	for _, m := range info.Deps {
		if m.Path == module {
			fmt.Println("version", strings.TrimPrefix(m.Version, "v"))
		}
	}
	for _, c := range cases {
		if c.Name == "sasl" && os.Getenv("SECURE_BROKERS") == "" {
			continue
		}
		report(c.Name, once(c))
	}
}

func once(c Case) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	select {
	case err := <-done:
		return err
	case <-time.After(limit + 5*time.Second):
		report(c.Name, errors.New("no end after its limit"))
		os.Exit(1)
		return nil
	}
}

func report(name string, err error) {
	switch {
	case err == nil:
		fmt.Println("ok", name)
	case errors.Is(err, ErrAbsent):
		fmt.Printf("absent %s: %s\n", name, strings.TrimPrefix(err.Error(), ErrAbsent.Error()+": "))
	default:
		fmt.Printf("failed %s: %s\n", name, strings.Join(strings.Fields(err.Error()), " "))
	}
}
