package postgres_test

import (
	"io"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"
)

// server takes connections as PostgreSQL does, up to the start-up message, and
// leaves the rest to talk: for answers that the installed server never gives.
// It returns its URL, with the password hunter2.
func server(t *testing.T, talk func(*pgproto3.Backend) error) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			b := pgproto3.NewBackend(conn, conn)
			if _, err := b.ReceiveStartupMessage(); err == nil {
				_ = talk(b) // what came of it, the client says
			}
			conn.Close()
		}
	}()
	return "postgres://u:hunter2@" + l.Addr().String() + "/db?sslmode=disable"
}

func pipe(from, to net.Conn) {
	defer to.Close()
	_, _ = io.Copy(to, from) // ends with either side
}
