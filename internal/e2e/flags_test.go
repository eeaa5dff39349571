package e2e_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A flag or a camera's setting that cannot be is reported before anything
// starts: no broker, no database, no data directory.
func TestRun_FlagThatCannotBe_NothingCreated(t *testing.T) {
	t.Parallel()
	notONNX := filepath.Join(t.TempDir(), "text.onnx")
	require.NoError(t, os.WriteFile(notONNX, []byte("this is not a model\n"), 0o600))
	noDetector := filepath.Join(t.TempDir(), "classifier.onnx")
	require.NoError(t, os.WriteFile(noDetector, classifier(), 0o600))
	config := filepath.Join(t.TempDir(), "sightlog.yaml")
	require.NoError(t, os.WriteFile(config, []byte("cameras: {door: {zones: {porch: [[0, 0], [1, 1]]}}}\n"), 0o600))
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"score":       {[]string{"--score", "7"}, "--score 7"},
		"side":        {[]string{"--side", "5000"}, "--side 5000"},
		"threads":     {[]string{"--threads=-2"}, "--threads -2"},
		"no model":    {[]string{"--model", "nano.onnx"}, "no such file"},
		"not ONNX":    {[]string{"--model", notONNX}, "not an ONNX"},
		"no detector": {[]string{"--model", noDetector}, "detector"},
		"class":       {[]string{"--classes", "unicorn"}, "unicorn"},
		"zone":        {[]string{"--config", config}, `zone "porch" has 2 points`},
		"preview":     {[]string{"--preview", "a.gif"}, "--preview a.gif"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := dataDir(t)
			r := do(t, sightlog, append([]string{"run", "--source", "door=test://people", "--data", dir}, c.args...)...)
			require.Equal(t, 2, r.code, r.stderr)
			require.Contains(t, r.stderr, c.says)
			require.NoDirExists(t, dir)
		})
	}
}
