package newest_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/ingest/newest"
)

// producer puts numbered values into a slot.
type producer struct {
	slot       *newest.Slot[int]
	generation int
	spare      *int
}

func begin(s *newest.Slot[int]) *producer {
	return &producer{slot: s, generation: s.NextGeneration(), spare: new(int)}
}

func (p *producer) put(v int, period int64) (current bool) {
	*p.spare = v
	p.spare, current = p.slot.Put(p.spare, p.generation, period)
	return current
}

func newSlot() *newest.Slot[int] { return newest.New(func() *int { return new(int) }) }

func take(t *testing.T, s *newest.Slot[int]) (int, newest.Missed) {
	t.Helper()
	v, missed, err := s.Take(t.Context())
	require.NoError(t, err)
	return *v, missed
}

func TestSlot_SlowConsumer_NewestTakenRestDropped(t *testing.T) {
	t.Parallel()
	s := newSlot()
	p := begin(s)
	for i := range 5 {
		require.True(t, p.put(i, int64(i)))
	}
	v, missed := take(t, s)
	require.Equal(t, 4, v)
	require.Equal(t, newest.Missed{Dropped: 4}, missed)
	p.put(5, 5)
	v, missed = take(t, s)
	require.Equal(t, 5, v)
	require.Zero(t, missed)
	require.Equal(t, newest.Missed{Dropped: 4}, s.Missed())
}

func TestSlot_RateLimit_RestOfAPeriodSkipped(t *testing.T) {
	t.Parallel()
	s := newSlot()
	p := begin(s)
	p.put(0, 0)
	v, _ := take(t, s)
	require.Equal(t, 0, v)
	p.put(1, 0) // its period had one
	p.put(2, 0)
	p.put(3, 1)
	p.put(4, 1) // newer, of the same period
	v, missed := take(t, s)
	require.Equal(t, 4, v)
	require.Equal(t, newest.Missed{Skipped: 3}, missed)
}

func TestSlot_PeriodWithoutATakenValue_OneDroppedRestSkipped(t *testing.T) {
	t.Parallel()
	s := newSlot()
	p := begin(s)
	for i := range 6 {
		p.put(i, int64(i/3))
	}
	v, missed := take(t, s)
	require.Equal(t, 5, v)
	require.Equal(t, newest.Missed{Dropped: 1, Skipped: 4}, missed)
}

func TestSlot_OnlyValuesOfATakenPeriod_TakeWaits(t *testing.T) {
	t.Parallel()
	s := newSlot()
	p := begin(s)
	p.put(0, 0)
	take(t, s)
	p.put(1, 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := s.Take(ctx)
	require.ErrorIs(t, err, context.Canceled)
	p.put(2, 1)
	v, missed := take(t, s)
	require.Equal(t, 2, v)
	require.Equal(t, newest.Missed{Skipped: 1}, missed)
}

func TestNewer_ValueReplaced_CountedByItsPeriod(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		period int64
		want   newest.Missed
	}{"same period": {0, newest.Missed{Skipped: 1}}, "later period": {1, newest.Missed{Dropped: 1}}} {
		s := newSlot()
		p := begin(s)
		p.put(0, 0)
		take(t, s)
		v, _ := s.Newer()
		require.Nil(t, v, "%s: nothing newer", name)
		p.put(1, c.period)
		v, missed := s.Newer()
		require.Equal(t, 1, *v, name)
		require.Equal(t, c.want, missed, name)
		p.put(2, c.period)
		p.put(3, 2)
		got, missed := take(t, s)
		require.Equal(t, 3, got, name)
		require.Equal(t, newest.Missed{Skipped: 1}, missed, "%s: the period of the newer one had one", name)
	}
}

func TestSlot_GenerationOver_ValueRefusedAndStaleOneDropped(t *testing.T) {
	t.Parallel()
	s := newSlot()
	old := begin(s)
	old.put(0, 0)
	p := begin(s)
	require.False(t, old.put(1, 1), "its generation is over")
	p.put(2, 2)
	v, missed := take(t, s)
	require.Equal(t, 2, v)
	require.Equal(t, newest.Missed{Dropped: 1}, missed)
}

func TestFail_ValuePresent_TakenBeforeTheError(t *testing.T) {
	t.Parallel()
	s := newSlot()
	begin(s).put(7, 0)
	s.Fail(io.EOF)
	v, _ := take(t, s)
	require.Equal(t, 7, v)
	for range 2 {
		_, _, err := s.Take(t.Context())
		require.ErrorIs(t, err, io.EOF)
	}
}

// The consumer's value is never written while it is lent, and each value is
// taken or counted.
func TestSlot_ProducerAndConsumerAtOnce_EachValueTakenOrCounted(t *testing.T) {
	t.Parallel()
	const n = 20000
	s := newSlot()
	p := begin(s)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range n {
			p.put(i, int64(i/2))
		}
		s.Fail(io.EOF)
	})
	taken, last := int64(0), -1
	for {
		v, _, err := s.Take(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		require.Greater(t, *v/2, last/2, "one a period at most")
		last = *v
		taken++
		if newer, _ := s.Newer(); newer != nil {
			require.Greater(t, *newer, last)
			last = *newer
		}
	}
	wg.Wait()
	left := int64(0)
	missed := s.Missed()
	if last < n-1 { // the last one, of a period that had its value, is still there
		left = 1
	}
	require.EqualValues(t, n, taken+missed.Dropped+missed.Skipped+left)
}

func TestDrain_BuffersInUse_EachFreedOnce(t *testing.T) {
	t.Parallel()
	made := 0
	s := newest.New(func() *int { made++; return new(int) })
	p := begin(s)
	for i := range 3 {
		p.put(i, int64(i))
	}
	take(t, s)
	p.put(3, 3)
	freed := map[*int]bool{}
	s.Drain(func(v *int) {
		require.False(t, freed[v])
		freed[v] = true
	})
	require.Len(t, freed, made, "all but the one that the producer has, which it brought in the beginning")
	s.Drain(func(*int) { t.Error("freed twice") })
}
