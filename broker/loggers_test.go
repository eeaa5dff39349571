package broker

import (
	"bytes"
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// lines is a writer that sends what contains a text. It has room for one.
type lines struct {
	text  string
	found chan string
}

func (l lines) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(l.text)) {
		select {
		case l.found <- string(p):
		default:
		}
	}
	return len(p), nil
}

func TestLoggers_LevelAltered_LoggedFromThenOn(t *testing.T) {
	t.Parallel()
	const kind = kmsg.ConfigResourceTypeBrokerLogger
	out := lines{"connection ended", make(chan string, 1)}
	b, _ := serveBroker(t, Config{Log: slog.New(slog.NewTextHandler(out, nil))})
	cl := newClient(t, b)
	levels := func() map[string]string {
		got := map[string]string{}
		for name, c := range describeResource(t, cl, kind, "0") {
			got[name] = *c.Value
		}
		return got
	}
	cut := func() { // ends a connection by a request that cannot be one, and waits for its end
		nc := dialRaw(t, b)
		_, err := nc.Write(make([]byte, 100))
		require.NoError(t, err)
		_, err = io.ReadAll(nc)
		require.NoError(t, err)
	}
	require.Equal(t, map[string]string{
		"root": "INFO", "broker": "INFO", "connections": "INFO", "groups": "INFO", "storage": "INFO", "transactions": "INFO",
	}, levels())
	cut()
	require.NoError(t, alterResource(t, cl, kind, "0", "root", new("WARN")))
	require.NoError(t, alterResource(t, cl, kind, "0", "connections", new("DEBUG")))
	require.Equal(t, "WARN", levels()["storage"])
	require.Equal(t, "DEBUG", levels()["connections"])
	require.Empty(t, out.found, "nothing at the level of before")
	cut()
	require.Contains(t, <-out.found, "level=DEBUG")
	require.NoError(t, alterResource(t, cl, kind, "0", "connections", nil))
	require.Equal(t, "WARN", levels()["connections"])
	require.NoError(t, alterResource(t, cl, kind, "0", "root", nil))
	require.Equal(t, "INFO", levels()["connections"])

	require.ErrorIs(t, alterResource(t, cl, kind, "0", "kafka.server", new("DEBUG")), kerr.InvalidConfig)
	require.ErrorIs(t, alterResource(t, cl, kind, "0", "root", new("LOUD")), kerr.InvalidConfig)
	require.ErrorIs(t, alterResource(t, cl, kind, "1", "root", new("DEBUG")), kerr.InvalidRequest)
	require.ErrorIs(t, alterResource(t, cl, kind, "", "root", new("DEBUG")), kerr.InvalidRequest)
}
