package datadir_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/datadir"
	"github.com/sightlog/sightlog/usage"
)

func TestOpen_AlreadyOpen_ErrInUse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	d, err := datadir.Open(dir)
	require.NoError(t, err)
	_, err = datadir.ReadEndpoints(dir)
	require.ErrorIs(t, err, datadir.ErrNotRunning)
	require.NoError(t, d.Publish(datadir.Endpoints{Broker: "127.0.0.1:1", Database: "postgres:///x"}))

	_, err = datadir.Open(dir)
	require.ErrorIs(t, err, datadir.ErrInUse)
	require.True(t, usage.Is(err))
	require.ErrorContains(t, err, "in use by another sightlog (process ")
	e, err := datadir.ReadEndpoints(dir)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:1", e.Broker)

	require.NoError(t, d.Close())
	_, err = datadir.ReadEndpoints(dir)
	require.ErrorIs(t, err, datadir.ErrNotRunning)
	d, err = datadir.Open(dir)
	require.NoError(t, err)
	require.NoError(t, d.Close())
}

func TestOpen_UnusableDirectory_IsAnError(t *testing.T) {
	newer := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(newer, "sightlog.json"), []byte(`{"format":99}`), 0o600))
	damaged := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(damaged, "sightlog.json"), []byte(`{`), 0o600))
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for want, dir := range map[string]string{
		"made by a newer sightlog": newer,
		"is damaged":               damaged,
		"not writable":             file,
	} {
		_, err := datadir.Open(dir)
		require.ErrorContains(t, err, want)
		require.True(t, usage.Is(err))
	}
}

// copyDir copies a directory with all that belongs to it, as users do.
func copyDir(t *testing.T, from, to string) {
	t.Helper()
	out, err := exec.Command("cp", "-a", from, to).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func open(t *testing.T, dir string) {
	t.Helper()
	d, err := datadir.Open(dir)
	require.NoError(t, err)
	require.NoError(t, d.Close())
}

func TestOpen_Copy_Refused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	open(t, dir)
	copyDir(t, dir, dir+"-copy")
	_, err := datadir.Open(dir + "-copy")
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "is a copy of "+dir)
	require.ErrorContains(t, err, "sightlog data adopt --data "+dir+"-copy")
	open(t, dir)
}

func TestOpen_RenamedOrPutBack_Opens(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	open(t, dir)
	require.NoError(t, os.Rename(dir, dir+"2"))
	open(t, dir+"2")
	require.NoError(t, os.Rename(dir+"2", dir+"3"))
	open(t, dir+"3")

	copyDir(t, dir+"3", dir+"-backup")
	require.NoError(t, os.RemoveAll(dir+"3"))
	copyDir(t, dir+"-backup", dir+"3")
	open(t, dir+"3")
}

// A program of before did not note which directory it is.
func TestOpen_OlderProgramsDirectory_GetsAnIdentity(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/sightlog.json", []byte(`{"format":1}`), 0o600))
	b, err := broker.Open(broker.Config{Listen: "127.0.0.1:0", Dir: dir + "/log"})
	require.NoError(t, err)
	require.NoError(t, b.Close())

	d, err := datadir.Open(dir)
	require.NoError(t, err)
	opened, err := d.OpenBroker(broker.Config{Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	require.NoError(t, errors.Join(opened.Close(), d.Close()))
	text, err := os.ReadFile(dir + "/sightlog.json")
	require.NoError(t, err)
	require.Contains(t, string(text), `"id":"`+b.ClusterID()+`"`)
	require.Contains(t, string(text), `"path":"`+dir+`"`)
}

func TestOpenBroker_LogOfAnotherDirectory_Refused(t *testing.T) {
	t.Parallel()
	one, two := t.TempDir(), t.TempDir()
	for _, dir := range []string{one, two} {
		d, err := datadir.Open(dir)
		require.NoError(t, err)
		b, err := d.OpenBroker(broker.Config{Listen: "127.0.0.1:0"})
		require.NoError(t, err)
		require.NoError(t, errors.Join(b.Close(), d.Close()))
	}
	require.NoError(t, os.RemoveAll(one+"/log"))
	copyDir(t, two+"/log", one+"/log")
	d, err := datadir.Open(one)
	require.NoError(t, err)
	defer d.Close()
	_, err = d.OpenBroker(broker.Config{Listen: "127.0.0.1:0"})
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "log/ is that of another data directory")

	require.NoError(t, os.RemoveAll(one+"/log")) // who removes the log begins with an empty one
	b, err := d.OpenBroker(broker.Config{Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	require.NoError(t, b.Close())
}

// Endpoints of an owner that was killed, or of the original of a copy, are not returned
// until the directory's owner publishes its own.
func TestReadEndpoints_OwnerIsJustStarting_StaleOnesAreIgnored(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir)
	require.NoError(t, os.WriteFile(dir+"/endpoints.json", []byte(`{"pid":1,"broker":"127.0.0.1:1"}`), 0o600))
	d, err := datadir.Open(dir)
	require.NoError(t, err)
	defer d.Close()
	_, err = datadir.ReadEndpoints(dir)
	require.ErrorIs(t, err, datadir.ErrNotRunning)
}
