package event_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
)

func TestRun_CapturedAt_CountsFromItsOrigin(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	run := &event.Run{ID: "r1", Camera: "yard", StartedAt: event.At(start)}
	b, err := run.Encode()
	require.NoError(t, err)
	require.NotContains(t, string(b), "captured_from")
	require.Equal(t, event.At(start.Add(time.Minute)), run.CapturedAt(time.Minute))

	run.CapturedFrom = event.At(start.Add(-time.Hour))
	b, err = run.Encode()
	require.NoError(t, err)
	resumed, err := event.DecodeRun(b)
	require.NoError(t, err)
	require.Equal(t, event.At(start.Add(-59*time.Minute)), resumed.CapturedAt(time.Minute))

	run.CapturedFrom = event.At(start.AddDate(500, 0, 0))
	b, err = run.Encode()
	require.NoError(t, err)
	_, err = event.DecodeRun(b)
	require.ErrorContains(t, err, "captured_from")
}
