package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/usage"
)

// showCmd says which values reached it.
type showCmd struct {
	config.Kafka
	Err error `kong:"-"`
}

func (c *showCmd) Run(_ context.Context, env *Env) error {
	fmt.Fprintf(env.Stdout, "%d %s %v %v", c.Partitions, c.Compression, c.Brokers, c.TLS)
	return c.Err
}

func show(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	env := &Env{Name: "sightlog", Stdout: &out, Stderr: &out}
	require.NoError(t, run(t.Context(), env, &struct {
		Show showCmd `cmd:""`
	}{}, append([]string{"show"}, args...)))
	return out.String()
}

func TestParse_FlagEnvironmentFileDefault_InThatOrder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(file, []byte("partitions: 3\ncompression: lz4\nbrokers: [a:1, b:2]\ntls: true\n"), 0o600))

	require.Equal(t, "8 zstd [] false", show(t))
	require.Equal(t, "3 lz4 [a:1 b:2] true", show(t, "--config", file))
	t.Setenv("SIGHTLOG_PARTITIONS", "4")
	t.Setenv("SIGHTLOG_BROKERS", "c:3,d:4")
	require.Equal(t, "4 lz4 [c:3 d:4] true", show(t, "--config", file))
	require.Equal(t, "5 gzip [c:3 d:4] true", show(t, "--config", file, "--partitions", "5", "--compression=gzip"))
	t.Setenv("SIGHTLOG_CONFIG", file)
	require.Equal(t, "5 lz4 [c:3 d:4] true", show(t, "--partitions", "5"))
}

func TestEnvironment_EmptyVariable_CountsAsNotSet(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(file, []byte("compression: lz4\n"), 0o600))
	for _, name := range []string{"SIGHTLOG_PARTITIONS", "SIGHTLOG_COMPRESSION", "SIGHTLOG_BROKERS", "SIGHTLOG_TLS", "SIGHTLOG_CONFIG", "SIGHTLOG_LOG_LEVEL", "SIGHTLOG_LINGER"} {
		t.Setenv(name, "")
	}
	require.Equal(t, "8 zstd [] false", show(t))
	require.Equal(t, "8 lz4 [] false", show(t, "--config", file))
}

func TestData_Empty_IsNotTheCurrentDirectory(t *testing.T) {
	grammar := &struct {
		URL URLCmd `cmd:"" name:"url"`
	}{}
	t.Setenv("SIGHTLOG_DATA", "")
	require.NoError(t, Check("sightlogd", grammar, []string{"url"}))
	require.Equal(t, "sightlog-data", grammar.URL.Data.Data)
	file := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(file, []byte("data: ''\n"), 0o600))
	for _, args := range [][]string{{"--data", ""}, {"--data="}, {"--config", file}} {
		err := Check("sightlogd", grammar, append([]string{"url"}, args...))
		require.EqualError(t, err, "--data is empty; leave it out for sightlog-data")
		require.Equal(t, 2, ExitCode(err))
	}
}

func TestParse_ValueOfTheFile_CheckedAsAFlag(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(file, []byte("partitions: many\n"), 0o600))
	err := Check("sightlog", &struct {
		Show showCmd `cmd:""`
	}{}, []string{"show", "--config", file})
	require.ErrorContains(t, err, "--partitions")
	require.Equal(t, 2, ExitCode(err))
}

type coded struct{ error }

func (coded) ExitCode() int { return 3 }

func TestExitCode_EachError_ItsCode(t *testing.T) {
	require.Equal(t, 1, ExitCode(errors.New("x")))
	require.Equal(t, 2, ExitCode(fmt.Errorf("y: %w", usage.New("", "x"))))
	require.Equal(t, 3, ExitCode(fmt.Errorf("y: %w", coded{errors.New("x")})))
}
