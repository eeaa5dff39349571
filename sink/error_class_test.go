package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

func TestClassify_EachSQLState_ItsClass(t *testing.T) {
	t.Parallel()
	pg := func(code, constraint string) error {
		return fmt.Errorf("write: %w", &pgconn.PgError{Code: code, ConstraintName: constraint})
	}
	for _, c := range []struct {
		err  error
		want errorClass
	}{
		{nil, good},
		{pg("SL001", ""), fenced},
		{pg("22001", ""), badRecord},            // string too long
		{pg("22003", ""), badRecord},            // number out of range
		{pg("22021", ""), badRecord},            // a zero byte in a text
		{pg("23514", "no_thirteen"), badRecord}, // a CHECK
		{pg("23503", "fk"), badRecord},
		{pg("23505", "sightings_theirs_key"), badRecord},
		{&pgconn.PgError{Code: "23505", TableName: "sightings_20260501", ConstraintName: "sightings_20260501_pkey"}, repeated},
		{pg("23514", ""), retryLater}, // no partition for the row
		{pg("23502", ""), retryLater}, // a column of somebody's
		{pg("08006", ""), retryLater},
		{pg("25006", ""), retryLater}, // read-only: a standby took over the address
		{pg("40001", ""), retryLater},
		{pg("40P01", ""), retryLater},
		{pg("42501", ""), retryLater},
		{pg("42P01", ""), retryLater},
		{pg("53100", ""), retryLater}, // disk full
		{pg("53300", ""), retryLater}, // too many connections
		{pg("55P03", ""), retryLater}, // a day's partition is locked
		{pg("57P01", ""), retryLater},
		{pg("57014", ""), retryLater}, // statement timeout
		{pg("XX000", ""), retryLater},
		{io.ErrUnexpectedEOF, retryLater},
		{context.DeadlineExceeded, retryLater},
		{errors.New("encode"), retryLater},
	} {
		require.Equal(t, c.want, classify(c.err), "%v", c.err)
	}
}
