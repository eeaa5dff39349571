package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// pathsCmd has a flag of each kind that a path may come by.
type pathsCmd struct {
	Data   string   `placeholder:"DIR"`
	Model  []string `placeholder:"NAME|FILE"`
	Out    string   `placeholder:"PATH" default:"~/out"`
	Source []string `sep:"none" placeholder:"[ID=]URI"`
	Secret string   `placeholder:"PASSWORD"`
}

func (*pathsCmd) Run() error { return nil }

func parsed(t *testing.T, args ...string) pathsCmd {
	t.Helper()
	grammar := &struct {
		Paths pathsCmd `cmd:""`
	}{}
	require.NoError(t, Check("sightlog", grammar, append([]string{"paths"}, args...)))
	return grammar.Paths
}

func TestText_NotUTF8_KeepsItsBytes(t *testing.T) {
	t.Setenv("SIGHTLOG_OUT", "f\xe9")
	require.Equal(t, pathsCmd{Data: "d\xe9\xff", Model: []string{"a", "b"}, Out: "f\xe9", Source: []string{"c=caf\xe9,1.mp4"}, Secret: "<&>\u2028\xe9"},
		parsed(t, "--data", "d\xe9\xff", "--model=a,b", "--source", "c=caf\xe9,1.mp4", "--secret=<&>\u2028\xe9"))
}

func TestPaths_Home_IsReplacedWhereverTheyComeFrom(t *testing.T) {
	t.Setenv("HOME", "/h")
	t.Setenv("SIGHTLOG_DATA", "~/d")
	file := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(file, []byte("model: [~/a.onnx, person-nano]\nsecret: ~/p\n"), 0o600))
	require.Equal(t, pathsCmd{Data: "/h/d", Model: []string{"/h/a.onnx", "person-nano"}, Out: "/h/out", Source: []string{"c=~/c.mp4"}, Secret: "~/p"},
		parsed(t, "--config", file, "--source=c=~/c.mp4"))
	require.Equal(t, "/h/e", parsed(t, "--data=~/e").Data)
	require.Equal(t, "./~/e", parsed(t, "--data=./~/e").Data)
}

func TestText_AListForOneValue_IsOneLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(file, []byte("data: [a, b]\n"), 0o600))
	err := Check("sightlog", &struct {
		Paths pathsCmd `cmd:""`
	}{}, []string{"paths", "--config", file})
	require.ErrorContains(t, err, "give one value, not a list")
	require.Equal(t, 2, ExitCode(err))
}

func TestListen_WithoutAPort_IsRefused(t *testing.T) {
	grammar := &struct {
		Broker BrokerCmd `cmd:""`
		Serve  ServeCmd  `cmd:""`
	}{}
	for _, addr := range []string{"127.0.0.1", "localhost", "9092", "::1", "[::1]", "127.0.0.1:", "a:b:1"} {
		for _, args := range [][]string{{"broker", "--listen"}, {"broker", "--advertise"}, {"broker", "--metrics"}, {"serve", "--listen"}} {
			err := Check("sightlogd", grammar, append(args, addr))
			require.EqualError(t, err, args[1]+" "+addr+": no address with a port; give HOST:PORT, such as 127.0.0.1:9092")
			require.Equal(t, 2, ExitCode(err))
		}
	}
	for _, addr := range []string{"127.0.0.1:0", ":9092", "[::1]:9092", "localhost:9092"} {
		require.NoError(t, Check("sightlogd", grammar, []string{"broker", "--listen", addr}))
	}
}
