package registries

import (
	"bytes"
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// apicurio runs Apicurio Registry, with its data in memory, until the test ends, and returns the
// address of its API that is compatible with Confluent's.
func apicurio(t *testing.T) string {
	t.Helper()
	if !all() {
		t.Skip("make test-schemas runs it beside Apicurio Registry")
	}
	programs, err := filepath.Glob(lib(t, "apicurio") + "/*-runner.jar")
	require.NoError(t, err)
	require.Len(t, programs, 1)
	addr := testenv.FreeAddr(t)
	cmd := exec.Command("java", "-XX:TieredStopAtLevel=1", "-Xmx512m", "-Dquarkus.http.host="+addr[:len("127.0.0.1")],
		"-Dquarkus.http.port="+addr[len("127.0.0.1:"):], "-jar", programs[0])
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Dir = &out, &out, t.TempDir()
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("Apicurio:\n%s", out.Bytes()[max(0, out.Len()-4000):])
		}
	})
	url := "http://" + addr + "/apis/ccompat/v7"
	testenv.Await(t, "Apicurio", func() bool {
		resp, err := http.Get(url + "/subjects")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return url
}
