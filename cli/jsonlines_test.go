package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// noisyCmd writes all that a command writes on standard error.
type noisyCmd struct{}

func (*noisyCmd) Run(_ context.Context, env *Env) error {
	env.Logger(slog.LevelInfo).Warn("a message", "camera", "yard")
	fmt.Fprintln(env.Stderr, "12 frames  3.0 fps")
	fmt.Fprint(env.Stderr, "panic: a crash\n\ngoroutine 1")
	fmt.Fprint(env.Stderr, " [running]:\n")
	return errors.New("it broke")
}

func TestLogFormat_JSON_EachLineOneObject(t *testing.T) {
	var out bytes.Buffer
	env := &Env{Name: "sightlog", Stdout: &out, Stderr: &out}
	err := run(t.Context(), env, &struct {
		Noisy noisyCmd `cmd:""`
	}{}, []string{"noisy", "--log-format", "json"})
	report(env, err)
	var got []string
	for line := range strings.Lines(out.String()) {
		var m map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &m), "%s", line)
		require.NotEmpty(t, m["time"])
		got = append(got, fmt.Sprintf("%v %v %v", m["level"], m["msg"], m["camera"]))
	}
	require.Equal(t, []string{
		"WARN a message yard", "INFO 12 frames  3.0 fps <nil>", "INFO panic: a crash <nil>", "INFO goroutine 1 [running]: <nil>", "ERROR it broke <nil>",
	}, got)
}

func TestLogFormat_Text_ErrorIsOneLine(t *testing.T) {
	var out bytes.Buffer
	env := &Env{Name: "sightlog", Stdout: &out, Stderr: &out}
	report(env, errors.New("it broke"))
	require.Equal(t, "sightlog: it broke\n", out.String())
}
