package sink

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

// Keep is how long the rows of each table are kept, from captured_at, or from the end of
// a file's run where that is later: somebody who processes an old recording wants what
// was found in it. Zero is for ever; of a camera, as the others.
type Keep struct {
	Sightings time.Duration
	Crossings time.Duration // crossings, crossing_minutes
	Totals    time.Duration // camera_minutes, zone_minutes: no shorter than tracks and visits
	Tracks    time.Duration
	Visits    time.Duration
	Snapshots time.Duration // 0: keepSnapshots
	Alarms    time.Duration // alarms that are over, and their messages; 0: keepAlarms
}

// keepSnapshots is how long snapshots are kept by default: pictures of people are not for ever.
const keepSnapshots = 7 * day

// keepAlarms is how long alarms are kept by default.
const keepAlarms = 365 * day

// forever is the longest time, which is not subtracted from a clock.
const forever time.Duration = math.MaxInt64

// complete sets what is not set: tracks and visits follow the totals.
func (k Keep) complete() Keep {
	for _, d := range []*time.Duration{&k.Sightings, &k.Crossings, &k.Totals} {
		*d = cmp.Or(*d, forever)
	}
	k.Tracks, k.Visits = cmp.Or(k.Tracks, k.Totals), cmp.Or(k.Visits, k.Totals)
	k.Snapshots, k.Alarms = cmp.Or(k.Snapshots, keepSnapshots), cmp.Or(k.Alarms, keepAlarms)
	return k
}

// longest is the time after which no table has rows; forever if one never ends.
func (k Keep) longest() time.Duration {
	return max(k.Sightings, k.Crossings, k.Totals, k.Tracks, k.Visits, k.Snapshots)
}

// limits are the cameras, by their keys, with the time before which their rows are
// deleted. A camera whose rows stay for ever is not among them.
type limits map[int32]time.Time

// limitsOf returns the limits of a table.
func limitsOf(cameras map[int32]Keep, now time.Time, of func(Keep) time.Duration) limits {
	all := make(limits, len(cameras))
	for id, k := range cameras {
		if d := of(k); d < forever {
			all[id] = now.Add(-d)
		}
	}
	return all
}

// group is the cameras of one limit.
type group struct {
	cameras []int32
	before  time.Time
}

// groups returns the cameras by limit.
func (l limits) groups() []group {
	by := make(map[time.Time][]int32)
	for id, t := range l {
		by[t] = append(by[t], id)
	}
	all := make([]group, 0, len(by))
	for t, ids := range by {
		all = append(all, group{slices.Sorted(slices.Values(ids)), t})
	}
	slices.SortFunc(all, func(a, b group) int { return a.before.Compare(b.before) })
	return all
}

// pastDay returns the limits at or after the end of a day: those of cameras that do not
// need it any more.
func (l limits) pastDay(end time.Time) limits {
	past := maps.Clone(l)
	maps.DeleteFunc(past, func(_ int32, t time.Time) bool { return t.Before(end) })
	return past
}

// columns returns the limits as two arrays.
func (l limits) columns() (cameras []int32, before []time.Time) {
	for _, id := range slices.Sorted(maps.Keys(l)) {
		cameras, before = append(cameras, id), append(before, l[id])
	}
	return cameras, before
}

// wholeDays returns the limits at the start of their day, except those of a short time:
// the rows of a day go together, so that a day's partition is dropped, not emptied.
func (l limits) wholeDays(now time.Time) limits {
	whole := make(limits, len(l))
	for id, t := range l {
		if now.Sub(t) >= shortKeep {
			t = t.UTC().Truncate(day)
		}
		whole[id] = t
	}
	return whole
}

// shortKeep is the time below which sightings do not wait for the end of their day.
const shortKeep = 2 * day
