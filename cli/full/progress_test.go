package full

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

// Where no terminal shows the line all the time, a source that is waited for is
// said, also before the first frame.
func TestProgressLine_SourceNotOpenYet_IsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := newProgressLine(&out)
		p := pipeline.Progress{Cameras: []pipeline.CameraStatus{{ID: "door", State: pipeline.Opening}}}
		l.show(p)
		require.Empty(t, out.String(), "it has just begun")
		time.Sleep(lineEvery)
		l.show(p)
		require.Contains(t, out.String(), "opening door")
	})
}
