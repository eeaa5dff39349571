package grace_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/grace"
)

func TestContext_ParentEnds_EndsAfterTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, stop := context.WithCancel(t.Context())
		ctx, cancel := grace.Context(parent, time.Second)
		defer cancel()
		stop()
		began := time.Now()
		time.Sleep(time.Second - 1)
		require.NoError(t, ctx.Err())
		<-ctx.Done()
		require.Equal(t, time.Second, time.Since(began))
	})
}

func TestContext_WorkDone_NothingLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // fails if a goroutine is left
		parent, stop := context.WithCancel(t.Context())
		ctx, cancel := grace.Context(parent, time.Hour)
		stop()
		cancel()
		require.Error(t, ctx.Err())

		_, cancel = grace.Context(t.Context(), time.Hour)
		cancel()
	})
}
