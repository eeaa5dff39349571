package occupancy_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/occupancy"
)

func TestProcessor_WindowsOfEachKind_EqualTheReference(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ window, every time.Duration }{
		"tumbling": {time.Minute, time.Minute},
		"hopping":  {30 * time.Second, 5 * time.Second},
		"odd":      {7 * time.Second, 7 * time.Second},
		"seconds":  {2 * time.Second, time.Second},
		"day":      {24 * time.Hour, 12 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			all := frames(0, 400, "porch", "yard", "gate")
			for n := range 100 { // another run of porch
				all = append(all, frame("porch", "second-run", n))
			}
			w.produce(all...)
			w.start(sized(c.window, c.every), idle(100*time.Millisecond), func(c *occupancy.Config) { c.MaxRecords = 100 })
			w.exactly(reference(c.window, c.every, all...))
		})
	}
}

// Windows are emitted when the watermark has passed their end by the grace, in the order
// of time, and those of a run when the next one begins: without any camera being idle.
func TestProcessor_NothingIdle_WatermarkAndNextRunEmit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(sized(10*time.Second, 10*time.Second))
	of := func(from, to int) []*event.Sighting { return frames(from, to, "porch") }
	w.produce(of(0, 35)...) // to 11.9 s: the grace of 2 s is not over
	w.produce(frames(0, 100, "yard")...)
	yard := reference(10*time.Second, 10*time.Second, frames(0, 86, "yard")...) // 30 s
	w.exactly(yard)
	w.produce(of(35, 36)...) // 12.25 s
	first := reference(10*time.Second, 10*time.Second, of(0, 29)...)
	w.exactly(slices.Concat(first, yard))
	w.produce(frame("porch", "second-run", 0))
	both := reference(10*time.Second, 10*time.Second, of(0, 36)...)
	w.exactly(slices.Concat(both, yard))
}

// Frames within the grace are counted wherever they are in the log, repeated ones are
// not, and those whose windows were emitted are counted as late in the next record.
func TestProcessor_FramesOutOfOrder_CountedOnceOrLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(sized(10*time.Second, 5*time.Second))
	var shuffled []*event.Sighting
	for from := 0; from < 300; from += 5 { // 5 frames are 1.75 s, the grace is 2 s
		group := frames(from, from+5, "porch")
		rand.Shuffle(len(group), func(i, j int) { group[i], group[j] = group[j], group[i] })
		shuffled = append(shuffled, group...)
		shuffled = append(shuffled, group[rand.IntN(5)]) // a second time
	}
	w.produce(shuffled...)
	late := frames(0, 7, "porch") // they are repeated, and so not late
	for i := range 3 {
		s := frame("porch", "run-of-porch", 300+i)
		s.CapturedAt = event.At(origin.Add(time.Second)) // a clock that went back
		late = append(late, s)
	}
	w.produce(late...)
	rest := frames(303, 320, "porch")
	w.produce(rest...)
	w.produce(frame("porch", "second-run", 0))

	want := reference(10*time.Second, 5*time.Second, append(frames(0, 300, "porch"), rest...)...)
	var first event.Time // the first window that ends after the late frames came
	for _, o := range want {
		if end := frame("porch", "", 299).CapturedAt.Add(-2 * time.Second); o.WindowEnd.After(end) && (first.IsZero() || o.WindowEnd.Before(first.Time)) {
			first = o.WindowEnd
		}
	}
	for i := range want {
		if want[i].WindowEnd == first && want[i].Zone == "" {
			want[i].Late = 3
		}
	}
	w.exactly(want)
}

func TestNew_InvalidSettings_OneLineNamesTheFlag(t *testing.T) {
	t.Parallel()
	for flag, change := range map[string]func(*occupancy.Config){
		"--window":    func(c *occupancy.Config) { c.Window = 90*time.Second + 1 },
		"--window 25": func(c *occupancy.Config) { c.Window = 25 * time.Hour },
		"--every":     func(c *occupancy.Config) { c.Every = 7 * time.Second },
		"--every 1ms": func(c *occupancy.Config) { c.Every = time.Millisecond },
		"120 times":   func(c *occupancy.Config) { c.Window, c.Every = time.Hour, time.Second },
		"--grace":     func(c *occupancy.Config) { c.Grace = -1 },
		"--idle":      func(c *occupancy.Config) { c.Idle = -1 },
		"--topic":     func(c *occupancy.Config) { c.Topic = "sightings" },
		`--topic "v`:  func(c *occupancy.Config) { c.Topic = "visits" },
		`--topic "a/`: func(c *occupancy.Config) { c.Topic = "a/b" },
	} {
		var c occupancy.Config
		change(&c)
		_, err := occupancy.New(c)
		require.ErrorContains(t, err, flag)
	}
}
