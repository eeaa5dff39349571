package camera

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/pipeline"
)

func TestProgressLine_NoTerminal_EverMoreRarelyUntilATrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := newProgressLine(&out)
		lines := func(seconds int, problems ...string) int {
			out.Reset()
			for range seconds {
				time.Sleep(time.Second)
				l.show(pipeline.Progress{Frames: 1, Problems: problems})
			}
			return strings.Count(out.String(), "\n")
		}
		require.Equal(t, 3, lines(35), "after 5, 15 and 35 s")
		lines(3600)
		require.Equal(t, 12, lines(3600), "in each further hour")
		require.Equal(t, 1, lines(1, "the disk is full"), "at once")
		require.Equal(t, 3, lines(35, "the disk is full"), "and as at the start")
	})
}
