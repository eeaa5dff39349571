package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	reportAfter = 2 * time.Second  // when a wait is logged
	listenLimit = 60 * time.Second // a server listens before it recovers
)

// awaitReady waits until the server accepts connections, and creates roles and database
// if they are missing. Recovery after a crash may take long: while the server reports
// it, only the end of ctx or of the server ends the wait. An error that waiting cannot
// fix is returned at once.
func (p *Private) awaitReady(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	began, logged, bootstrapped := time.Now(), false, false
	for {
		err := ping(ctx, p.clusterDir.url(p.socket, Reader, Database)) // the reader is made last
		switch {
		case err == nil:
			return p.clusterDir.checkServer(ctx, p.root, p.socket)
		case notBootstrapped(err) && !bootstrapped:
			if err := p.bootstrap(ctx); err != nil {
				return err
			}
			bootstrapped = true
			continue
		case !notYet(err):
			return err
		case notListening(err) && time.Since(began) > listenLimit:
			return fmt.Errorf("it does not listen on a socket in %s: %w", p.socket, err)
		}
		if !logged && time.Since(began) > reportAfter {
			logged = true
			p.log.Warn("waiting for the private database to take connections", "err", cause(err), "log", p.clusterDir.log())
		}
		if p.exited == nil && !runsOn(p.pid, p.clusterDir.data()) {
			return errors.New("it ended while starting; see " + p.clusterDir.log())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.exited:
			return fmt.Errorf("it ended while starting: %s", lastServerError(p.root, p.logFrom))
		case <-tick.C:
		}
	}
}

// checkServer returns an error if the server on a socket is not that of this cluster
// directory, opened as root: it has another data directory, as that of a copy has, or its
// cluster is another one (system identifier), as when another directory was put at the path
// under a running server. It asks as the superuser, whom no right can be taken from, and
// for the file that the server has, not for the one at its path, which pg_control_system
// reads.
func (c clusterDir) checkServer(ctx context.Context, root *os.Root, socket string) error {
	conn, err := connect(ctx, c.url(socket, super, "postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var data string
	var control []byte
	if err := conn.QueryRow(ctx, "SELECT current_setting('data_directory'), pg_read_binary_file('global/pg_control', 0, 8)").Scan(&data, &control); err != nil {
		return err
	}
	if data != c.data() {
		return fmt.Errorf("%w: the socket in %s is that of the server of %s", ErrForeign, socket, data)
	}
	text, err := readFile(root, dataName+"/global/pg_control", 8<<10) // PG_CONTROL_FILE_SIZE
	if err != nil {
		return err
	}
	own, answers := systemIdentifier([]byte(text)), systemIdentifier(control)
	if own == 0 || own != answers {
		return fmt.Errorf("%w: the server of the socket in %s has another cluster (system identifier %d, not %d)", ErrForeign, socket, answers, own)
	}
	return nil
}

// systemIdentifier returns the number that initdb gave a cluster: the first field of its
// pg_control, in the machine's byte order (catalog/pg_control.h). 0 means that it is cut
// off.
func systemIdentifier(control []byte) uint64 {
	if len(control) < 8 {
		return 0
	}
	return binary.NativeEndian.Uint64(control)
}

// notBootstrapped reports whether err means that a role or the database is missing.
func notBootstrapped(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "3D000" || pg.Code == "28000")
}

// notYet reports whether err passes while a server starts or is busy: it is starting or
// recovering, all its connections are in use, or nothing answers on the socket.
func notYet(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return startingUp(err) || pg.Code == "53300"
	}
	return notListening(err) || pgconn.Timeout(err) || errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// notListening reports whether err means that nothing listens on the socket.
func notListening(err error) bool {
	return errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED)
}

// bootstrap creates the roles and the database. An earlier one may have been
// interrupted.
func (p *Private) bootstrap(ctx context.Context) error {
	for _, step := range []struct {
		database   string
		statements []statement
	}{
		{"postgres", []statement{
			{"42710", "CREATE ROLE " + Role + " LOGIN"},
			{"42710", "CREATE ROLE " + Reader},
			{"", "ALTER ROLE " + Reader + " NOLOGIN"},
			{"42P04", "CREATE DATABASE " + Database + " OWNER " + Role},
		}},
		{Database, readerRights},
	} {
		if err := p.asSuper(ctx, step.database, step.statements); err != nil {
			return fmt.Errorf("make the roles and the database: %w", err)
		}
	}
	return nil
}

func (p *Private) asSuper(ctx context.Context, database string, statements []statement) error {
	conn, err := connect(ctx, p.clusterDir.url(p.socket, super, database))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, s := range statements {
		_, err := conn.Exec(ctx, s.sql)
		var pg *pgconn.PgError
		if err != nil && !(errors.As(err, &pg) && pg.Code == s.done) {
			return err
		}
	}
	return nil
}

func connect(ctx context.Context, url string) (*pgx.Conn, error) {
	cfg, _, err := privateConfig(url)
	if err != nil {
		return nil, err
	}
	return pgx.ConnectConfig(ctx, cfg.ConnConfig)
}

func ping(ctx context.Context, url string) error {
	conn, err := connect(ctx, url)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}
