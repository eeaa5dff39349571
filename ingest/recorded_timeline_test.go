package ingest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTimeline_Jumps_Bridged(t *testing.T) {
	t.Parallel()
	const none = -1e9 // no timestamp
	for name, c := range map[string]struct {
		fps       float64
		at        []float64 // timestamps in seconds
		positions []float64
		jumps     int64
	}{
		"regular":                        {10, []float64{0, .1, .2, .3}, []float64{0, .1, .2, .3}, 0},
		"variable":                       {10, []float64{0, .1, 20, 50, 50.1}, []float64{0, .1, 20, 50, 50.1}, 0},
		"one frame ahead":                {10, []float64{0, .1, 9800, .3, .4}, []float64{0, .1, .2, .3, .4}, 1},
		"one frame behind":               {10, []float64{70, 70.1, 3, 70.3, 70.4}, []float64{0, .1, .2, .3, .4}, 1},
		"ahead for good":                 {10, []float64{0, .1, 9800, 9800.1, 9800.3}, []float64{0, .1, .2, .3, .5}, 1},
		"begins anew":                    {10, []float64{0, .1, 70, 0, .1, .2}, []float64{0, .1, .2, .3, .4, .5}, 2},
		"two recordings appended":        {10, []float64{0, 10, 20, 0, 10, 20, 0}, []float64{0, 10, 20, 30, 40, 50, 60}, 2},
		"a gap of a minute":              {10, []float64{0, .1, 60.1, 60.2}, []float64{0, .1, 60.1, 60.2}, 0},
		"a gap of more":                  {10, []float64{0, .1, 60.2, 60.3}, []float64{0, .1, .2, .3}, 1},
		"time lapse":                     {1. / 300, []float64{0, 300, 600, 90000}, []float64{0, 300, 600, 900}, 1},
		"equal and a little back":        {10, []float64{0, .1, .1, .2, .1, .5}, []float64{0, .1, .2, .3, .4, .5}, 0},
		"without timestamps":             {10, []float64{none, none, none}, []float64{0, .1, .2}, 0},
		"without timestamps, rate":       {0, []float64{none, none, none}, []float64{0, .04, .08}, 0},
		"begins below 0":                 {10, []float64{-.2, -.1, 0}, []float64{0, .1, .2}, 0},
		"begins late":                    {10, []float64{.5, .6}, []float64{.5, .6}, 0},
		"begins a day late":              {10, []float64{86400, 86400.1}, []float64{0, .1}, 0},
		"a timestamp after some without": {10, []float64{none, none, 5}, []float64{0, .1, 5}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var tl timeline
			if c.fps > 0 {
				tl.declared = time.Duration(float64(time.Second) / c.fps)
			}
			for i, s := range c.at {
				got := tl.position(time.Duration(s*float64(time.Second)), s != none)
				require.InDelta(t, c.positions[i], got.Seconds(), 1e-6, "frame %d", i)
			}
			require.Equal(t, c.jumps, tl.jumps)
		})
	}
}
