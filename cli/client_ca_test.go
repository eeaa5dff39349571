package cli

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/usage"
)

func TestBroker_ClientCA_MistakesSayWhatToDo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty, missing := filepath.Join(dir, "empty.pem"), filepath.Join(dir, "missing.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	_, err := (&BrokerCmd{ClientCA: empty}).config()
	require.ErrorContains(t, err, "--client-ca without TLS; add --server-cert")
	require.True(t, usage.Is(err))
	for path, text := range map[string]string{
		empty:   "it has no certificate; give the PEM certificate of an authority",
		missing: "cannot be read; check the path",
	} {
		server := &tls.Config{}
		err := requireCertificates(server, path)
		require.ErrorContains(t, err, path+": "+text)
		require.True(t, usage.Is(err))
		require.Equal(t, tls.NoClientCert, server.ClientAuth)
	}
}
