package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/usage"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestLoadReadsValuesAndLists(t *testing.T) {
	f, err := config.Load(write(t, "# a comment\npartitions: 4\nsource:\n  - porch=a.mp4\n  - 0\nwait: true\ndata:\n"))
	require.NoError(t, err)
	require.Equal(t, config.File{"partitions": "4", "source": []any{"porch=a.mp4", "0"}, "wait": "true"}, f)
}

func TestLoadRefusesWhatIsNotAConfiguration(t *testing.T) {
	for name, text := range map[string]string{
		"not YAML":      "partitions: [1",
		"no table":      "just text",
		"nested":        "source: {a: b}",
		"list in list":  "source: [[a]]",
		"duplicate key": "sinks: 1\nsinks: 2",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(write(t, text))
			require.True(t, usage.Is(err), "%v", err)
		})
	}
	_, err := config.Load(filepath.Join(t.TempDir(), "absent.yaml"))
	require.ErrorContains(t, err, "no such file")
	require.True(t, usage.Is(err))
}

func TestCheckNamesTheUnknownKeyAndTheNearestOne(t *testing.T) {
	err := config.File{"partitons": "4"}.Check("c.yaml", []string{"partitions", "sinks"})
	require.EqualError(t, err, `--config c.yaml: unknown key "partitons"; did you mean "partitions"?`)
	require.NoError(t, config.File{"sinks": "4"}.Check("c.yaml", []string{"partitions", "sinks"}))
}
