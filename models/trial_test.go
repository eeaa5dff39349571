package models

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTrial_OtherProcessorOrModels_DoesNotCount(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir)
	_, known := Trial()
	require.False(t, known, "none was made")
	require.NoError(t, RememberTrial(1.4))
	gain, known := Trial()
	require.True(t, known)
	require.InDelta(t, 1.4, gain, 0)

	file := filepath.Join(dir, "sightlog", "models", "trial.json")
	good, err := os.ReadFile(file)
	require.NoError(t, err)
	t.Setenv("CACHE_DIRECTORY", filepath.Join(dir, "service")) // systemd's
	_, known = Trial()
	require.False(t, known)
	t.Setenv("CACHE_DIRECTORY", filepath.Join(dir, "sightlog"))
	_, known = Trial()
	require.True(t, known)
	for _, bad := range []string{
		strings.Replace(string(good), present().Processor, "another", 1),
		strings.Replace(string(good), inProgram()[Int8].SHA256, "0", 1),
		strings.Replace(string(good), "1.4", "-1", 1),
		"", "{",
	} {
		require.NotEqual(t, string(good), bad)
		require.NoError(t, os.WriteFile(file, []byte(bad), 0o600))
		_, known = Trial()
		require.False(t, known, bad)
	}
}

func TestLookup_LeftToTheMachine_AreThoseInFloats(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{Auto: Default, AutoSmall: Small} {
		m, err := Lookup(name, Options{Dirs: []string{}})
		require.NoError(t, err)
		require.Equal(t, want, m.Name)
	}
}
