package diff_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench/diff"
	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/usage"
)

// report has a round for each value, which is its CPU time, and its latencies are ten times that.
func report(values ...float64) *result.Report {
	r := &result.Report{
		Kind: result.Pipeline, Machine: result.Machine{OS: "linux", CPU: "one", CPUs: 2},
		Inputs:   []result.Input{{Role: "clip", Name: "yard.mp4", SHA256: "aa"}, {Role: "model", Name: "person-nano", SHA256: "bb"}},
		Settings: map[string]string{"cameras": "4"}, Correct: result.Correctness{Sent: 9, Stored: 9},
	}
	for _, v := range values {
		h := result.NewHistogram()
		h.Add(time.Duration(v * float64(10*time.Millisecond)))
		r.Rounds = append(r.Rounds, result.Round{
			Values:     map[string]float64{result.CPUFrame: v, result.FPS: 20 / v, result.Load: v, result.P99: v, "records_per_batch": v},
			Histograms: map[string]*result.Histogram{result.DueCommitted: h, result.WarmUp: h},
		})
	}
	return r
}

func side(name string, reports ...*result.Report) diff.Side {
	return diff.Side{File: name, Reports: reports}
}

func rows(t *testing.T, a, b *result.Report) map[string]diff.Row {
	t.Helper()
	all, err := diff.Compare(side("a.json", a), side("b.json", b), false)
	require.NoError(t, err)
	require.Len(t, all, 1)
	found := make(map[string]diff.Row)
	for _, r := range all[0].Rows {
		found[r.Figure] = r
	}
	return found
}

// The samples, U and the exact two-sided P are those of textbooks and of R's wilcox.test.
func TestCompare_PublishedSamples_PublishedP(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		source string
		x, y   []float64
		p      float64
	}{
		{
			"R, ?wilcox.test: permeability of the human chorioamnion (Hollander and Wolfe 1973, p. 69); one-sided 0.1272",
			[]float64{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46}, []float64{1.15, 0.88, 0.90, 0.74, 1.21}, 0.2544,
		},
		{"Mann and Whitney 1947, table I: P(U ≤ 0) = 1/252 for n = m = 5", []float64{1, 2, 3, 4, 5}, []float64{6, 7, 8, 9, 10}, 2.0 / 252},
		{"the same table: P(U ≤ 2) = 4/252, the greatest U with p < 0.05", []float64{1, 2, 3, 5, 6}, []float64{4, 7, 8, 9, 10}, 8.0 / 252},
		{"the same table: P(U ≤ 3) = 7/252, which is not proven", []float64{1, 2, 3, 4, 8}, []float64{5, 6, 7, 9, 10}, 14.0 / 252},
	} {
		row := rows(t, report(c.x...), report(c.y...))[result.CPUFrame]
		require.InDelta(t, c.p, row.P, 5e-5, c.source)
		require.Equal(t, c.p < diff.Alpha, row.Proven, c.source)
	}
}

// The interval of the median of n values from the i-th least to the i-th greatest holds with
// 1 - 2·P(B(n, 1/2) < i): Conover, Practical Nonparametric Statistics, table A3.
func TestCompare_Interval_IsThatOfOrderStatistics(t *testing.T) {
	t.Parallel()
	row := rows(t, report(5, 3, 1, 2, 4), report(1, 2, 3, 4, 5, 6, 7, 8, 9, 10))[result.CPUFrame]
	require.Equal(t, 3.0, row.Old.Median)
	require.Equal(t, []float64{1, 5}, []float64{row.Old.Low, row.Old.High})
	require.InDelta(t, 1-2.0/32, row.Old.Confidence, 1e-6)
	require.Equal(t, []float64{2, 9}, []float64{row.New.Low, row.New.High})
	require.InDelta(t, 1-2*11.0/1024, row.New.Confidence, 1e-6)
}

func TestCompare_SlowerAndFaster_DirectionOfEachFigure(t *testing.T) {
	t.Parallel()
	found := rows(t, report(1, 1.1, 1.2, 1.3, 1.4), report(2, 2.1, 2.2, 2.3, 2.4))
	require.Len(t, found, 5, "load is no figure, warm-up no latency, p99_ms that of the histogram")
	require.True(t, found[result.CPUFrame].Worse)
	require.True(t, found[result.FPS].Worse, "fewer frames are worse")
	batch := found["records_per_batch"]
	require.True(t, batch.Proven && !batch.Better && !batch.Worse, "which has no good direction")
	require.True(t, found[result.DueCommitted+" p99"].Worse)
	require.InDelta(t, 2.2/1.2-1, *found[result.CPUFrame].Change, 1e-9)
	require.InDelta(t, 22, found[result.DueCommitted+" p50"].New.Median, 0.05)

	better := rows(t, report(2, 2.1, 2.2, 2.3, 2.4), report(1, 1.1, 1.2, 1.3, 1.4))
	require.False(t, better[result.CPUFrame].Worse)
	require.True(t, better[result.CPUFrame].Better)
}

func TestCompare_NothingProven_NoChange(t *testing.T) {
	t.Parallel()
	for _, b := range []*result.Report{report(1, 1.1, 1.2, 1.3, 1.4), report(1.05, 1.15, 1.25, 1.35, 1.45, 1)} {
		row := rows(t, report(1, 1.1, 1.2, 1.3, 1.4), b)[result.CPUFrame]
		require.False(t, row.Proven)
		require.Nil(t, row.Change)
	}
	same := rows(t, report(1, 1, 1, 1, 1), report(1, 1, 1, 1, 1))[result.CPUFrame]
	require.Equal(t, 1.0, same.P)
}

func TestCompare_Incomparable_OneLineForEachReason(t *testing.T) {
	t.Parallel()
	change := func(f func(r *result.Report)) *result.Report {
		r := report(1, 2, 3, 4, 5)
		f(r)
		return r
	}
	for want, b := range map[string]*result.Report{
		"not comparable: CPU: one and two":                           change(func(r *result.Report) { r.Machine.CPU = "two" }),
		"not comparable: kind: pipeline and baseline":                change(func(r *result.Report) { r.Kind = result.Baseline }),
		"clip: yard.mp4 (aa) and yard.mp4 (cc)":                      change(func(r *result.Report) { r.Inputs[0].SHA256 = "cc" }),
		"model: person-nano (bb) and none":                           change(func(r *result.Report) { r.Inputs = r.Inputs[:1] }),
		"has 4 rounds, a test needs 5; measure again with --rounds":  change(func(r *result.Report) { r.Rounds = r.Rounds[1:] }),
		"b.json: the report of pipeline proves nothing, because not": change(func(r *result.Report) { r.Correct.Stored-- }),
	} {
		_, err := diff.Compare(side("a.json", report(1, 2, 3, 4, 5)), side("b.json", b), false)
		require.True(t, usage.Is(err), want)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "\n")
	}
	other := change(func(r *result.Report) { r.Machine.CPU, r.Settings = "two", map[string]string{"cameras": "8"} })
	all, err := diff.Compare(side("a.json", report(1, 2, 3, 4, 5)), side("b.json", other), true)
	require.NoError(t, err)
	require.Equal(t, []string{"CPU: one and two"}, all[0].Differences)
	require.Equal(t, []string{"cameras: 4 and 8"}, all[0].Settings)
}

func TestCompare_SeveralReports_MatchedByNameAndPoint(t *testing.T) {
	t.Parallel()
	point := func(linger string, values ...float64) *result.Report {
		r := report(values...)
		r.Kind, r.Point = result.Point, map[string]string{"linger": linger, "acks": "all"}
		return r
	}
	slow, fast := point("0", 9, 9.1, 9.2, 9.3, 9.4), point("5", 1, 1.1, 1.2, 1.3, 1.4)
	all, err := diff.Compare(side("a", slow, fast), side("b", fast, slow), false)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, "point acks=all linger=0", all[0].Name)
	for _, c := range all {
		for _, row := range c.Rows {
			require.False(t, row.Proven)
		}
	}
	for _, b := range [][]*result.Report{{slow, slow}, {slow}, {slow, point("7", 1)}, {slow, fast, point("7", 1)}} {
		_, err = diff.Compare(side("a", slow, fast), side("b", b...), false)
		require.True(t, usage.Is(err))
	}
}

func TestWriteText_Figures_AreTheRows(t *testing.T) {
	t.Parallel()
	all, err := diff.Compare(side("a", report(1, 1.1, 1.2, 1.3, 1.4)), side("b", report(2400, 2500, 2600, 2700, 2800)), false)
	require.NoError(t, err)
	all = append(all, diff.Comparison{Name: "x", Rows: []diff.Row{{Figure: "same", Old: all[0].Rows[0].Old, New: all[0].Rows[0].New}}})
	var b bytes.Buffer
	require.NoError(t, diff.WriteText(&b, all))
	text := strings.Join(strings.Fields(b.String()), " ")
	require.Contains(t, text, "cpu_ms_per_frame ms 1.20 1.00–1.40 2,600 2,400–2,800 ×2166.7 worse 0.008")
	require.Contains(t, text, "fps frames/s 16.7 14.3–20.0 0.00769 0.00714–0.00833 -100.0 % worse 0.008")
	require.Contains(t, text, "due→committed p50 ms 12.0 10.0–14.0 26,001 24,003–28,000 ×2165.5 worse 0.008")
	require.Contains(t, text, "~ 0.000")
	require.Contains(t, text, "with 94 %")
}
