package postgres_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/usage"
)

func TestOpen_GoodURL_PoolWorks(t *testing.T) {
	t.Parallel()
	pool, err := postgres.Open(t.Context(), pgtest.URL(t), postgres.Options{})
	require.NoError(t, err)
	defer pool.Close()
	var zone string
	require.NoError(t, pool.QueryRow(t.Context(), "SHOW timezone").Scan(&zone))
	require.Equal(t, "UTC", zone)
}

func TestOpen_BadURL_OneLine(t *testing.T) {
	t.Parallel()
	socket := pgtest.URL(t)
	closed := testenv.FreeAddr(t)

	withDatabase := func(name string) string {
		head, tail, _ := strings.Cut(socket, "@/")
		_, params, _ := strings.Cut(tail, "?")
		return head + "@/" + name + "?" + params
	}
	for name, c := range map[string]struct{ url, want string }{
		"empty":        {"", "--database-url is empty; write it as postgres://"},
		"no url":       {"postgres://u:hunter2@[::1/db", "--database-url cannot be read; write it as"},
		"other scheme": {"mysql://u:hunter2@localhost/db", `--database-url: scheme "mysql" is not PostgreSQL`},
		"nobody there": {"postgres://u:hunter2@" + closed + "/db", "u@" + closed + "/db: cannot be reached: connect: connection refused; start it"},
		"no such host": {"postgres://u:hunter2@host.invalid/db", "cannot be reached: host host.invalid is not known"},
		"no socket":    {"postgres://u:hunter2@/db?host=/nowhere", "u@/nowhere/db: cannot be reached: connect: no such file or directory"},
		"no database":  {withDatabase("nonesuch"), `database "nonesuch" does not exist; create it with: createdb nonesuch`},
		"no role":      {strings.Replace(socket, "sightlog@", "stranger:hunter2@", 1), `role "stranger" does not exist; check the user`},
		"read-only":    {socket + "&default_transaction_read_only=on", "the database is read-only; give the primary"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := postgres.Open(t.Context(), c.url, postgres.Options{})
			require.Error(t, err)
			require.True(t, usage.Is(err), "%T %v", err, err)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "hunter2")
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestOpen_WrongPassword_MessageWithoutPassword(t *testing.T) {
	t.Parallel()
	for _, wait := range []bool{false, true} {
		url := server(t, func(b *pgproto3.Backend) error {
			b.Send(&pgproto3.AuthenticationCleartextPassword{})
			if err := b.Flush(); err != nil {
				return err
			}
			if _, err := b.Receive(); err != nil {
				return err
			}
			b.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "28P01", Message: `password authentication failed for user "u"`})
			return b.Flush()
		})
		_, err := postgres.Open(t.Context(), url, postgres.Options{Wait: wait}) // waiting would not fix it
		require.True(t, usage.Is(err), "%v", err)
		require.ErrorContains(t, err, "password authentication failed; check user and password")
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestOpen_OldServer_Refused(t *testing.T) {
	t.Parallel()
	url := server(t, func(b *pgproto3.Backend) error {
		b.Send(&pgproto3.AuthenticationOk{})
		b.Send(&pgproto3.ParameterStatus{Name: "server_version", Value: "12.22 (Debian 12.22-1)"})
		b.Send(&pgproto3.BackendKeyData{ProcessID: 1, SecretKey: []byte{0, 0, 0, 1}})
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		if err := b.Flush(); err != nil {
			return err
		}
		_, err := b.Receive() // until the client goes
		return err
	})
	_, err := postgres.Open(t.Context(), url, postgres.Options{})
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "PostgreSQL 12.22 (Debian 12.22-1) is too old; use version 13 or newer")
}

func TestOpen_ServerNeverAnswers_Unreachable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections into its backlog and is silent
	require.NoError(t, err)
	defer l.Close()
	_, err = postgres.Open(t.Context(), "postgres://u:hunter2@"+l.Addr().String()+"/db?sslmode=disable", postgres.Options{Timeout: 50 * time.Millisecond})
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "cannot be reached: no answer in time")
}

func TestOpen_WaitForAbsentServer_Connects(t *testing.T) {
	t.Parallel()
	// The address answers nobody at first. Each refusal is seen by the listener
	// that takes its place, a real server's proxy.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	var refused atomic.Int32
	actual := pgtest.URL(t)
	cfg, err := pgx.ParseConfig(actual)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if refused.Load() < 3 {
				refused.Add(1)
				conn.Close()
				continue
			}
			back, err := net.Dial("unix", fmt.Sprintf("%s/.s.PGSQL.5432", cfg.Host))
			if err != nil {
				conn.Close()
				return
			}
			go pipe(conn, back)
			go pipe(back, conn)
		}
	}()
	pool, err := postgres.Open(ctx, fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", cfg.User, addr, cfg.Database), postgres.Options{Wait: true})
	require.NoError(t, err)
	require.EqualValues(t, 3, refused.Load())
	pool.Close()
	cancel()
	l.Close()
	<-done
}

func TestOpen_WaitAndContextEnds_Error(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := postgres.Open(ctx, "postgres://u@/db?host=/nowhere", postgres.Options{Wait: true})
	require.Error(t, err)
}
