package audit_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/audit"
)

// world is a population of which the truth is known.
type world struct {
	population audit.Population
	answers    map[audit.Kind][]audit.Answer // by Seq
	in, out    float64                       // crossings that there were
}

// newWorld makes one of n crossings a direction and as many stretches: a share of crossings
// is wrong or reversed, and a share of stretches has missed a group of crossings.
func newWorld(random *rand.Rand, n, stretches int, wrong, reversed, missed float64, group int) *world {
	w := &world{population: audit.Population{Units: make(map[audit.Kind][]audit.Unit)}, answers: make(map[audit.Kind][]audit.Answer)}
	put := func(kind audit.Kind, i int, a audit.Answer) {
		u := audit.Unit{Kind: kind, Seq: int64(i)}
		w.population.Units[kind] = append(w.population.Units[kind], u)
		w.answers[kind] = append(w.answers[kind], a)
	}
	for i := range n {
		for _, d := range []struct {
			kind        audit.Kind
			own, across *float64
		}{{audit.In, &w.in, &w.out}, {audit.Out, &w.out, &w.in}} {
			switch x := random.Float64(); {
			case x < wrong:
				put(d.kind, i, audit.Answer{Verdict: audit.Wrong})
			case x < wrong+reversed:
				put(d.kind, i, audit.Answer{Verdict: audit.Reversed})
				*d.across++
			default:
				put(d.kind, i, audit.Answer{Verdict: audit.Right})
				*d.own++
			}
		}
	}
	for i := range stretches {
		a := audit.Answer{Verdict: audit.Missed}
		if random.Float64() < missed {
			a.In = 1 + random.IntN(group)
		}
		if random.Float64() < missed {
			a.Out = 1 + random.IntN(group)
		}
		w.in, w.out = w.in+float64(a.In), w.out+float64(a.Out)
		put(audit.Stretch, i, a)
	}
	return w
}

// ask draws a sample and answers it.
func (w *world) ask(n int, seed uint64) (in, out audit.Result) {
	sample := audit.Draw(&w.population, n, seed)
	answers := make([]audit.Answer, len(sample))
	for i, u := range sample {
		answers[i] = w.answers[u.Kind][u.Seq]
	}
	return audit.Compute(w.population.Sizes(), sample, answers)
}

func (w *world) correct() (in float64) {
	for _, a := range w.answers[audit.In] {
		if a.Verdict == audit.Right {
			in++
		}
	}
	return in
}

func holds(e audit.Estimate, truth float64) int {
	const rounding = 1e-9
	if e.Low-rounding <= truth && truth <= e.High+rounding {
		return 1
	}
	return 0
}

// TestCompute_SimulatedPopulations_IntervalsHoldTheTruth covers rare and frequent mistakes,
// groups, small and large samples. The intervals may hold more often than 95 %, where the
// sum has parts that are near 0.
func TestCompute_SimulatedPopulations_IntervalsHoldTheTruth(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		n, stretches, sample    int
		wrong, reversed, missed float64
		group                   int
	}{
		"good":              {400, 1000, 200, .02, .002, .02, 1},
		"fair":              {400, 1000, 200, .06, .01, .05, 1},
		"poor":              {400, 1000, 200, .20, .05, .20, 1},
		"groups are missed": {400, 1000, 200, .06, .01, .08, 4},
		"small sample":      {400, 1000, 60, .10, .02, .10, 1},
		"small population":  {40, 100, 100, .10, .02, .10, 2},
		"large sample":      {1000, 2500, 500, .05, .01, .03, 2},
		"wrong alone":       {300, 800, 200, .10, 0, 0, 1},
		"missed alone":      {300, 800, 200, 0, 0, .10, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(7, 11))
			const rounds = 300
			var actual, accuracy, precision, recall int
			width := 0.0
			for seed := range uint64(rounds) {
				w := newWorld(random, c.n, c.stretches, c.wrong, c.reversed, c.missed, c.group)
				in, out := w.ask(c.sample, seed)
				actual += holds(in.Actual, w.in) + holds(out.Actual, w.out)
				accuracy += holds(in.Accuracy, float64(c.n)/w.in)
				precision += holds(in.Precision, w.correct()/float64(c.n))
				recall += holds(in.Recall, w.correct()/w.in)
				width += (in.Accuracy.High - in.Accuracy.Low) / 2 / rounds
			}
			t.Logf("held: actual %.3f, accuracy %.3f, precision %.3f, recall %.3f; accuracy ± %.1f %%",
				float64(actual)/2/rounds, float64(accuracy)/rounds, float64(precision)/rounds, float64(recall)/rounds, 100*width)
			for what, held := range map[string]float64{"actual": float64(actual) / 2, "accuracy": float64(accuracy), "precision": float64(precision), "recall": float64(recall)} {
				require.GreaterOrEqual(t, held/rounds, .92, what)
			}
			require.LessOrEqual(t, float64(actual)/2/rounds, .998, "the interval is not so wide that it holds anything")
		})
	}
}

// keep leaves pictures of a random share of the stretches, as a live camera does.
func (w *world) keep(random *rand.Rand, share float64) {
	all := w.population.Units[audit.Stretch]
	w.population.Near, w.population.Units[audit.Stretch] = len(all), nil
	for _, u := range all {
		if random.Float64() < share {
			w.population.Units[audit.Stretch] = append(w.population.Units[audit.Stretch], u)
		}
	}
}

// Where only some of the stretches have pictures, drawn at random, the intervals are of all of them.
func TestCompute_SomeStretchesHavePictures_IntervalsHoldTheTruth(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		share, missed float64
		group         int
	}{
		"a few":            {.05, .10, 1},
		"a tenth":          {.10, .08, 1},
		"half, in groups":  {.50, .08, 4},
		"nothing missed":   {.10, 0, 1},
		"many were missed": {.10, .30, 2},
	} {
		random := rand.New(rand.NewPCG(5, 13))
		const rounds = 300
		var actual, recall int
		for seed := range uint64(rounds) {
			w := newWorld(random, 300, 1000, .05, .01, c.missed, c.group)
			w.keep(random, c.share)
			in, out := w.ask(300, seed)
			require.False(t, in.PrecisionOnly)
			actual += holds(in.Actual, w.in) + holds(out.Actual, w.out)
			recall += holds(in.Recall, w.correct()/w.in)
		}
		t.Logf("%s: held: actual %.3f, recall %.3f", name, float64(actual)/2/rounds, float64(recall)/rounds)
		require.GreaterOrEqual(t, float64(actual)/2/rounds, .92, name)
		require.GreaterOrEqual(t, float64(recall)/rounds, .92, name)
	}
}

// The value is right on average: no part is forgotten or counted twice.
func TestCompute_ManySamplesOfOnePopulation_ValueIsUnbiased(t *testing.T) {
	t.Parallel()
	w := newWorld(rand.New(rand.NewPCG(1, 2)), 300, 700, .15, .10, .15, 3)
	in, out := 0.0, 0.0
	const rounds = 1000
	for seed := range uint64(rounds) {
		a, b := w.ask(150, seed)
		in, out = in+a.Actual.Value/rounds, out+b.Actual.Value/rounds
	}
	require.InEpsilon(t, w.in, in, .015)
	require.InEpsilon(t, w.out, out, .015)
}

func TestCompute_AllWereChecked_TheTruthWithoutAnInterval(t *testing.T) {
	t.Parallel()
	w := newWorld(rand.New(rand.NewPCG(3, 4)), 50, 80, .2, .1, .2, 3)
	in, out := w.ask(1000, 1)
	for actual, r := range map[float64]audit.Result{w.in: in, w.out: out} {
		require.InDelta(t, actual, r.Actual.Value, 1e-9)
		require.InDelta(t, r.Actual.Low, r.Actual.High, 1e-9)
		require.InDelta(t, 50/actual, r.Accuracy.Low, 1e-9)
		require.InDelta(t, 50/actual, r.Accuracy.High, 1e-9)
	}
}

// Figures of Brown, Cai and DasGupta's and of hand-made examples.
func TestCompute_KnownSample_KnownFigures(t *testing.T) {
	t.Parallel()
	var units []audit.Unit
	var answers []audit.Answer
	put := func(kind audit.Kind, n int, a audit.Answer) {
		for range n {
			units, answers = append(units, audit.Unit{Kind: kind}), append(answers, a)
		}
	}
	put(audit.In, 45, audit.Answer{Verdict: audit.Right})
	put(audit.In, 5, audit.Answer{Verdict: audit.Wrong})
	put(audit.In, 3, audit.Answer{Verdict: audit.Unclear})
	put(audit.Out, 40, audit.Answer{Verdict: audit.Right})
	put(audit.Out, 10, audit.Answer{Verdict: audit.Reversed})
	put(audit.Stretch, 96, audit.Answer{Verdict: audit.Missed})
	put(audit.Stretch, 4, audit.Answer{Verdict: audit.Missed, In: 1})
	put(audit.Stretch, 4, audit.Answer{})
	const endless = 1_000_000_000 // no correction for a finite population
	in, _ := audit.Compute(audit.Sizes{In: endless, Out: endless, Stretches: endless}, units, answers)
	require.Equal(t, []int{endless, 50, 45, 4}, []int{in.Counted, in.Checked, in.Correct, in.Missed})
	require.InDelta(t, .9, in.Precision.Value, 1e-6)
	require.InDelta(t, .7864, in.Precision.Low, 1e-4) // Wilson, 45 of 50
	require.InDelta(t, .9565, in.Precision.High, 1e-4)
	require.InDelta(t, .9+.2+.04, in.Actual.Value/endless, 1e-6)
	// Wilson of 10 of 50 is .1124 to .3304, the score interval of 4 in 100 is .0156 to .1029.
	require.InDelta(t, 1.14-math.Sqrt(.1136*.1136+.0876*.0876+.0244*.0244), in.Actual.Low/endless, 1e-3)
	require.InDelta(t, 1.14+math.Sqrt(.0565*.0565+.1304*.1304+.0629*.0629), in.Actual.High/endless, 1e-3)
	require.InDelta(t, 1/1.14, in.Accuracy.Value, 1e-6)
	require.InDelta(t, .9/1.14, in.Recall.Value, 1e-6)
}

func TestCompute_NothingInAStratum_IsNotAMistake(t *testing.T) {
	t.Parallel()
	in, out := audit.Compute(audit.Sizes{In: 2}, []audit.Unit{{Kind: audit.In}, {Kind: audit.In}}, []audit.Answer{{Verdict: audit.Right}, {Verdict: audit.Wrong}})
	require.Equal(t, audit.Estimate{Value: 1, Low: 1, High: 1}, in.Actual)
	require.Equal(t, audit.Estimate{Value: 2, Low: 2, High: 2}, in.Accuracy)
	require.Equal(t, audit.Estimate{}, out.Actual)
	require.True(t, math.IsNaN(out.Accuracy.Value))
	require.True(t, math.IsNaN(out.Precision.Value))
}

func TestDraw_SameSeed_SameSample(t *testing.T) {
	t.Parallel()
	w := newWorld(rand.New(rand.NewPCG(3, 4)), 50, 300, .2, .1, .2, 3)
	one, again, other := audit.Draw(&w.population, 40, 9), audit.Draw(&w.population, 40, 9), audit.Draw(&w.population, 40, 10)
	require.Equal(t, one, again)
	require.NotEqual(t, one, other)
	seen := make(map[audit.Unit]bool)
	kinds := make(map[audit.Kind]int)
	for _, u := range one {
		require.False(t, seen[u], "no unit is drawn twice")
		seen[u] = true
		kinds[u.Kind]++
	}
	require.Equal(t, map[audit.Kind]int{audit.In: 10, audit.Out: 10, audit.Stretch: 20}, kinds)
}

func TestDraw_SmallStratum_OthersGetTheRest(t *testing.T) {
	t.Parallel()
	p := &audit.Population{Units: map[audit.Kind][]audit.Unit{
		audit.In: make([]audit.Unit, 3), audit.Stretch: make([]audit.Unit, 500),
	}}
	require.Len(t, audit.Draw(p, 100, 1), 100)
	require.Len(t, audit.Draw(p, 10_000, 1), 503)
	require.Empty(t, audit.Draw(&audit.Population{}, 10, 1))
}
