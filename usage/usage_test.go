package usage_test

import (
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/usage"
)

func TestError_WithFix_OneLine(t *testing.T) {
	err := usage.Wrap(fs.ErrNotExist, "check the path", "--source %q: no such\nfile", "a.mp4")
	require.Equal(t, `--source "a.mp4": no such file; check the path`, err.Error())
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.True(t, usage.Is(fmt.Errorf("open: %w", err)))
	require.False(t, usage.Is(fs.ErrNotExist))
}

func TestNearest_TypingError_OnlyTheMeantName(t *testing.T) {
	known := []string{"partitions", "source", "sinks", "database-url"}
	require.Equal(t, "partitions", usage.Nearest("partition", known))
	require.Equal(t, "source", usage.Nearest("suorce", known))
	require.Equal(t, "database-url", usage.Nearest("databaseurl", known))
	require.Equal(t, "sinks", usage.Nearest("sink", known))
	require.Empty(t, usage.Nearest("zebra", known))
}
