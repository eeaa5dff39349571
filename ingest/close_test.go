package ingest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
)

// closeTwice closes a source as a caller does who has opened it again and deferred the
// Close of both.
func closeTwice(t *testing.T, src Source) {
	t.Helper()
	var f Frame
	require.NoError(t, src.Next(t.Context(), &f))
	require.NoError(t, src.Close())
	require.NoError(t, src.Close())
	require.Error(t, src.Next(t.Context(), &f))
}

func TestClose_CalledAgain_DoesNothing(t *testing.T) {
	src, err := Open(t.Context(), Spec{ID: "a", URI: "test://people?frames=30"}, Options{})
	require.NoError(t, err)
	closeTwice(t, src)

	synctest.Test(t, func(t *testing.T) {
		m := &model{next: func(int64, int) (time.Duration, error) { return time.Second / 10, nil }}
		src, err := openLive(t.Context(), Info{Kind: event.SourceStream, Source: "model"}, m.capture, Options{}.withDefaults())
		require.NoError(t, err)
		closeTwice(t, src)
	})
}
