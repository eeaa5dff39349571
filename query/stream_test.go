package query_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/query"
)

// watcher is a reader of an answer that counts its lines, calls first with its
// first bytes and looks at the memory at every MiB.
type watcher struct {
	first func([]byte)
	lines int
	bytes int
	heap  uint64 // the largest
}

func (w *watcher) Write(b []byte) (int, error) {
	if w.bytes == 0 {
		w.first(b)
	}
	if w.bytes>>20 != (w.bytes+len(b))>>20 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		w.heap = max(w.heap, m.HeapInuse)
	}
	w.bytes += len(b)
	w.lines += bytes.Count(b, []byte("\n"))
	return len(b), nil
}

// asking counts the sessions that have a question under way.
func queryWords(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	require.NoError(t, pool.QueryRow(context.Background(), `SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND state = 'active' AND query LIKE '%the large one%' AND pid <> pg_backend_pid()`).Scan(&n))
	return n
}

func TestAnswer_ManyRows_StreamedInBoundedMemory(t *testing.T) {
	pool := pgtest.Open(t)
	const rows = 250_000
	for format, lines := range map[string]int{"csv": 1 + rows, "json": 2 + rows, "table": 1 + rows} {
		t.Run(format, func(t *testing.T) {
			runtime.GC()
			var before runtime.MemStats
			runtime.ReadMemStats(&before)
			w := &watcher{first: func([]byte) {
				require.Equal(t, 1, queryWords(t, pool), "the server is still at it when the first rows are written")
			}}
			require.NoError(t, query.SQL("SELECT n, repeat('x', 200) AS text FROM generate_series(1, 250000) AS n /* the large one */").Answer(t.Context(), pool, w, format))
			require.Equal(t, lines, w.lines)
			require.Less(t, w.heap, before.HeapInuse+32<<20, "the rows alone are 60 MB in memory")
		})
	}
}

func TestAnswer_ReaderGone_EndsTheQuestion(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	gone := errors.New("the reader is gone")
	for _, format := range query.Formats {
		r, w := io.Pipe()
		require.NoError(t, r.CloseWithError(gone))
		err := query.SQL("SELECT generate_series(1, 1000000000) /* the large one */").Answer(t.Context(), pool, w, format)
		require.ErrorIs(t, err, gone)
		require.Eventually(t, func() bool { return queryWords(t, pool) == 0 }, 60e9, 10e6)
	}
}

func TestAnswer_ContextEnds_ServerStops(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	pool, other := pgtest.Pool(t, url), pgtest.Pool(t, url)
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan error, 1)
	go func() {
		q := query.SQL("SELECT count(*) FROM generate_series(1, 1000000000000) /* the large one */")
		answered <- q.Answer(ctx, pool, io.Discard, "csv")
	}()
	require.Eventually(t, func() bool { return queryWords(t, other) == 1 }, 60e9, 10e6)
	cancel()
	require.ErrorIs(t, <-answered, context.Canceled)
	pool.Close()
	require.Eventually(t, func() bool { return queryWords(t, other) == 0 }, 60e9, 10e6)
}

func TestTable_ManyRows_WrittenInOnePass(t *testing.T) {
	t.Parallel()
	table := &query.Table{Columns: []string{"n", "word"}}
	for range 100_000 { // copied for each line, the text would be 170 GB
		table.Rows = append(table.Rows, []any{nil, strings.Repeat("x", 30)})
	}
	var b bytes.Buffer
	require.NoError(t, table.Write(&b, "table"))
	require.Equal(t, 100_001, bytes.Count(b.Bytes(), []byte("\n")))
}

func TestTable_WideCells_BoundedPadding(t *testing.T) {
	t.Parallel()
	table := &query.Table{Columns: []string{"a", "b"}, Rows: [][]any{{strings.Repeat("x", 1<<20), "1"}}}
	for range 5000 {
		table.Rows = append(table.Rows, []any{"y", "1"})
	}
	var b bytes.Buffer
	require.NoError(t, table.Write(&b, "table"))
	require.Less(t, b.Len(), 2<<20, "one wide cell does not widen every line")
	lines := strings.Split(b.String(), "\n")
	require.Equal(t, "a  b", lines[0])
	require.Equal(t, "y  1", lines[2])
}

func TestTable_RowsAfterTheSample_KeepItsColumns(t *testing.T) {
	t.Parallel()
	table := &query.Table{Columns: []string{"name", "b"}}
	for range 1500 {
		table.Rows = append(table.Rows, []any{"y", "1"})
	}
	table.Rows = append(table.Rows, []any{"longer", "1"})
	var b bytes.Buffer
	require.NoError(t, table.Write(&b, "table"))
	lines := strings.Split(b.String(), "\n")
	require.Equal(t, "name  b", lines[0])
	require.Equal(t, "y     1", lines[1500])
	require.Equal(t, "longer  1", lines[1501])
}

// What a terminal takes for a command must not reach it: ESC and the other
// control characters, also as one byte of 0x80 to 0x9f, and the signs that turn
// the direction of writing.
func TestTable_ControlCharacters_Escaped(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"\x1b]0;title\a": `\x1b]0;title\a`,
		"a\u009b2Jb":     `a\u009b2Jb`,
		"a\x9b2Jb":       `a\x9b2Jb`,
		"a\u202eb":       `a\u202eb`,
		"a\nb\r":         `a\nb\r`,
		"Türe 門 \\ \"":   "Türe 門 \\ \"",
	} {
		var b bytes.Buffer
		require.NoError(t, (&query.Table{Columns: []string{in}, Rows: [][]any{{in}}}).Write(&b, "table"))
		require.Equal(t, want+"\n"+want+"\n", b.String())
	}
}
