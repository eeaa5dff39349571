package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBrokerSettings_EachForm_NamesAndValues(t *testing.T) {
	t.Parallel()
	want := map[string]string{"num.partitions": "6", "auto.create.topics.enable": "false", "log.retention.hours": "-1"}
	for name, text := range map[string]string{
		"broker.yaml":       "num.partitions: 6\nauto.create.topics.enable: false\nlog.retention.hours: -1 # for ever\n",
		"server.properties": "\ufeff# of Kafka\n! too\n\nnum.partitions=6\nauto.create.topics.enable = false\nlog.retention.hours=-1\n",
	} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		got, err := Broker{BrokerSettings: path}.Settings()
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
	none, err := Broker{}.Settings()
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestBrokerSettings_Mistakes_OneLineWithTheFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, says string }{
		"nested.yaml":    {"num:\n  partitions: 6\n", "num has no single value"},
		"list.yaml":      {"- 1\n", "it is no table"},
		"bad.yaml":       {"a: [\n", "--broker-settings"},
		"bad.properties": {"num.partitions\n", "line 1"},
	} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
		_, err := Broker{BrokerSettings: path}.Settings()
		require.ErrorContains(t, err, c.says)
		require.ErrorContains(t, err, path)
		require.NotContains(t, err.Error(), "\n")
	}
	_, err := Broker{BrokerSettings: filepath.Join(t.TempDir(), "none.yaml")}.Settings()
	require.ErrorContains(t, err, "cannot be read")
}
