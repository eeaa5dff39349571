package full

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/audit"
	"github.com/sightlog/sightlog/cli"
)

func TestReadAnswer_Lines_AnswersOfTheKind(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind  audit.Kind
		lines string
		want  audit.FileAnswer
		again int
		ended bool
	}{
		{audit.In, "y\n", audit.FileAnswer{Answer: audit.Right}, 0, false},
		{audit.Out, " r \n", audit.FileAnswer{Answer: audit.Reversed}, 0, false},
		{audit.Out, "0 1\nyes\n\nn\n", audit.FileAnswer{Answer: audit.Wrong}, 3, false},
		{audit.Stretch, "n\n", audit.FileAnswer{Answer: audit.Missed}, 0, false},
		{audit.Stretch, "2 10\n", audit.FileAnswer{Answer: audit.Missed, In: 2, Out: 10}, 0, false},
		{audit.Stretch, "1\n1 -1\ny\n3 x\nu\n", audit.FileAnswer{Answer: audit.Unclear}, 4, false},
		{audit.In, "q\ny\n", audit.FileAnswer{}, 0, true},
		{audit.In, "x", audit.FileAnswer{}, 1, true},
	} {
		var out bytes.Buffer
		got, ok := readAnswer(t.Context(), &cli.Env{Stdout: &out}, bufio.NewScanner(strings.NewReader(c.lines)), c.kind)
		require.Equal(t, !c.ended, ok, c.lines)
		require.Equal(t, c.want, got, c.lines)
		require.Equal(t, c.again, strings.Count(out.String(), "not understood"), c.lines)
	}
}

// Ctrl-C ends the question, although nobody presses Enter.
func TestReadAnswer_ContextEnds_Returns(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, ok := readAnswer(ctx, &cli.Env{}, bufio.NewScanner(r), audit.In)
	require.False(t, ok)
}
