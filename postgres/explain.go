package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sightlog/sightlog/usage"
)

// Describe names the database of cfg without its password.
func Describe(cfg *pgx.ConnConfig) string {
	host := cfg.Host
	if !strings.HasPrefix(host, "/") {
		host = net.JoinHostPort(host, strconv.Itoa(int(cfg.Port)))
	}
	return fmt.Sprintf("%s@%s/%s", cfg.User, host, cfg.Database)
}

// unusableError is the error of a server that answers but cannot be used.
type unusableError struct{ what, fix string }

func (e *unusableError) Error() string { return e.what }

// explain turns err into one line that a user can act on.
func explain(err error, cfg *pgx.ConnConfig) error {
	at := "--database-url " + Describe(cfg)
	var unfit *unusableError
	if errors.As(err, &unfit) {
		return usage.Wrap(err, unfit.fix, "%s: %s", at, unfit.what)
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch {
		case pg.Code == "28P01":
			return usage.Wrap(err, "check user and password", "%s: password authentication failed", at)
		case strings.HasPrefix(pg.Code, "28"):
			return usage.Wrap(err, "check the user and the server's pg_hba.conf", "%s: %s", at, pg.Message)
		case pg.Code == "3D000":
			return usage.Wrap(err, "create it with: createdb "+cfg.Database, "%s: database %q does not exist", at, cfg.Database)
		case pg.Code == "42501":
			return usage.Wrap(err, "grant CONNECT on it", "%s: %s", at, pg.Message)
		case startingUp(err):
			return usage.Wrap(err, "try again, or give --wait", "%s: %s", at, pg.Message)
		}
		return fmt.Errorf("open database %s: %w", Describe(cfg), pg)
	}
	if unreachable(err) {
		return usage.Wrap(err, "start it, correct the address, or give --wait", "%s: cannot be reached: %s", at, cause(err))
	}
	return fmt.Errorf("open database %s: %s", Describe(cfg), cause(err))
}

// unreachable reports whether no server answered, or one that is not ready yet.
func unreachable(err error) bool {
	var connect *pgconn.ConnectError
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return startingUp(err)
	}
	return errors.As(err, &connect) || pgconn.Timeout(err)
}

// startingUp reports whether err has SQLSTATE 57P01, 57P02 or 57P03: the server is starting,
// recovering or stopping, or its postmaster has just gone.
func startingUp(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "57P01" || pg.Code == "57P02" || pg.Code == "57P03")
}

// cause returns the innermost reason in a few words.
func cause(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &dns):
		return "host " + dns.Name + " is not known"
	case pgconn.Timeout(err) || errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &op):
		return op.Err.Error()
	}
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return strings.Join(strings.Fields(err.Error()), " ")
		}
		err = next
	}
}
