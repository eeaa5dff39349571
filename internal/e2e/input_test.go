package e2e_test

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/internal/tinyonnx"
)

// Each thing a person can type wrong gets one line that says what, where and
// how to mend it, and exit code 2.
func TestCommands_BadInput_OneLineAndExitCode2(t *testing.T) {
	t.Parallel()
	clip := testenv.Data(t, "video/vtest.avi")
	tmp := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(tmp, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	text := write("text.mp4", "this is not a video\n")
	notONNX := write("text.onnx", "this is not a model\n")
	noDetector := write("classifier.onnx", string(classifier()))
	badConfig := write("bad.yaml", "partitons: 4\n")
	newer := dataDir(t)
	require.NoError(t, os.Mkdir(newer, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(newer, "sightlog.json"), []byte(`{"format":99}`), 0o600))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { taken.Close() })
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	require.NoError(t, err)
	t.Cleanup(func() { silent.Close() })

	used := dataDir(t)
	serve := start(t, sightlogd, "serve", "--data", used)
	endpoints(t, used, serve)
	absent, err := url.Parse(databaseURL(t))
	require.NoError(t, err)
	absent.Path = "/absent"

	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no source":             {[]string{"run"}, "no --source"},
		"no such file":          {[]string{"run", "--source", "/no/such.mp4"}, "no such file"},
		"a directory":           {[]string{"run", "--source", tmp}, "director"},
		"a text file":           {[]string{"run", "--source", text}, "not a video"},
		"no such camera":        {[]string{"run", "--source", "99"}, "camera"},
		"nothing opens in time": {[]string{"run", "--source", "rtsp://" + silent.Addr().String() + "/x", "--start-timeout", "1s"}, "1s"},
		"bad camera name":       {[]string{"run", "--source", "Front Door=" + clip}, "cannot name a camera"},
		"two of a name":         {[]string{"run", "--source", "a=" + clip, "--source", "a=" + clip}, `called "a"`},
		"unknown model":         {[]string{"run", "--source", clip, "--model", "yolox-nan"}, "yolox-nano"},
		"not ONNX":              {[]string{"run", "--source", clip, "--model", notONNX}, "not an ONNX"},
		"no detector":           {[]string{"run", "--source", clip, "--model", noDetector}, "detector"},
		"unknown class":         {[]string{"run", "--source", clip, "--classes", "unicorn"}, "unicorn"},
		"score out of range":    {[]string{"run", "--source", clip, "--score", "7"}, "--score"},
		"port taken":            {[]string{"run", "--source", clip, "--listen", taken.Addr().String()}, "port is taken"},
		"no port":               {[]string{"run", "--source", clip, "--listen", "127.0.0.1"}, "give HOST:PORT"},
		"port too large":        {[]string{"run", "--source", clip, "--listen", "127.0.0.1:65536"}, "--listen 127.0.0.1:65536: "},
		"not of this machine":   {[]string{"run", "--source", clip, "--listen", "192.0.2.1:0"}, "HOST:PORT of this machine"},
		"beyond this machine":   {[]string{"run", "--source", clip, "--listen", "0.0.0.0:0"}, "anybody could write to it"},
		"on every address":      {[]string{"run", "--source", clip, "--listen", ":0"}, "anybody could write to it"},
		"a file elsewhere":      {[]string{"run", "--source", "a=file://nas/a.mp4"}, "a file of another machine"},
		"no such file, no text": {[]string{"run", "--source", "a=caf\xe9.mp4"}, "caf%E9.mp4: no such file"},
		"data not writable":     {[]string{"run", "--source", clip, "--data", text}, "not writable"},
		"data in use":           {[]string{"run", "--source", clip, "--data", used}, "in use by another sightlog"},
		"data of a newer one":   {[]string{"run", "--source", clip, "--data", newer}, "newer sightlog"},
		"database unreachable":  {[]string{"run", "--source", clip, "--database-url", "postgres://x:hunter2@127.0.0.1:1/x"}, "127.0.0.1:1"},
		"database unknown":      {[]string{"run", "--source", clip, "--database-url", absent.String()}, "does not exist"},
		"brokers unreachable":   {[]string{"detect", "--source", clip, "--brokers", "127.0.0.1:1"}, "127.0.0.1:1"},
		"no such configuration": {[]string{"run", "--config", "/no/such.yaml"}, "no such file"},
		"unknown key":           {[]string{"run", "--config", badConfig}, `did you mean "partitions"?`},
		"unknown flag":          {[]string{"run", "--suorce", clip}, "--suorce"},
		"unknown command":       {[]string{"rnu"}, "rnu"},
		"pace":                  {[]string{"run", "--source", clip, "--pace", "slow"}, "pace"},
		"from of no place":      {[]string{"run", "--source", clip, "--from", "51"}, `--from "51"`},
		"skip of no offset":     {[]string{"run", "--source", clip, "--skip", "sightings/3"}, "write TOPIC/PARTITION/OFFSET"},
		"schema of the server":  {[]string{"run", "--source", clip, "--schema", "pg_eyes"}, "PostgreSQL keeps that name"},
		"two schemas":           {[]string{"query", "latest", "--database-url", absent.String() + "&schema=a", "--schema", "b"}, "the database's URL says schema=a"},
		"move to no schema":     {[]string{"migrate", "--database-url", absent.String(), "--move-from", "public"}, "add --schema"},
		"partitions":            {[]string{"run", "--source", clip, "--partitions", "0"}, "--partitions"},
		"query of nothing":      {[]string{"query", "people", "--data", tmp}, "not a data directory"},
		"bench of no rounds":    {[]string{"bench", "detector", "--source", clip, "--rounds", "0"}, "--rounds"},
		"bench of no end":       {[]string{"bench", "detector", "--source", "test://people"}, "has no end"},
		"bench of no file":      {[]string{"bench", "detector", "--source", "/no/such.mp4"}, "no such file"},
		"soak of two models":    {[]string{"bench", "detector", "--source", clip, "--for", "1h", "--model", "a,b"}, "one --model"},
		"export of no format":   {[]string{"export", "--data", used}, "--format"},
		"export of no camera":   {[]string{"export", "--data", used, "--format", "mot", "--camera", "attic"}, "there is none yet"},
		"export of no run":      {[]string{"export", "--data", used, "--format", "coco"}, "no run is in the database"},
		"bad SQL":               {[]string{"query", "sql", "--data", used, "selec 1"}, "selec"},
		"writing SQL":           {[]string{"query", "sql", "--data", used, "delete from cameras"}, "only queries are run"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := c.args
			if args[0] == "run" && !slices.Contains(args, "--data") {
				args = append(args, "--data", dataDir(t))
			}
			r := do(t, sightlog, args...)
			said := strings.TrimSpace(slowly.ReplaceAllString(r.stderr, ""))
			require.Equal(t, 2, r.code, "%s\n%s", said, r.stdout)
			require.Contains(t, said, c.says)
			require.NotContains(t, said, "\n", "one line")
			require.NotContains(t, said, "hunter2")
			require.True(t, strings.HasPrefix(said, "sightlog: "), said)
		})
	}
	t.Cleanup(func() { serve.stop(t) })
}

// slowly are the lines of a machine that takes its time: initdb's, and those of the
// progress.
var slowly = regexp.MustCompile(`(?m)^(time=.* msg="still creating the private database".*|[0-9]+ frames .*)\n`)

// classifier is an ONNX file with a picture in and 1000 numbers out: a model,
// but no detector.
func classifier() []byte {
	var g tinyonnx.Graph
	g.Input("images", tinyonnx.Float32, 1, 3, 224, 224)
	g.Floats("c", make([]float32, 1000), 1, 1000)
	g.Node("Identity", []string{"c"}, []string{"output"}, nil)
	g.Output("output", tinyonnx.Float32, 1, 1000)
	return g.Bytes()
}
