package result_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/usage"
)

func histogram(ms ...int) *result.Histogram {
	h := result.NewHistogram()
	for _, v := range ms {
		h.Add(time.Duration(v) * time.Millisecond)
	}
	return h
}

func TestReport_WrittenAndRead_SameFiguresAndMergeable(t *testing.T) {
	t.Parallel()
	r := &result.Report{Kind: result.Pipeline, Rounds: []result.Round{
		{Frames: 3, Values: map[string]float64{result.P99: 5}, Histograms: map[string]*result.Histogram{result.Infer: histogram(1, 1, 9)}},
		{Frames: 2, Values: map[string]float64{result.P99: 9}, Histograms: map[string]*result.Histogram{result.Infer: histogram(2, 30)}},
		{Frames: 1, Values: map[string]float64{result.P99: 6}, Histograms: map[string]*result.Histogram{result.Infer: histogram(2)}},
	}}
	r.Sum()
	var file bytes.Buffer
	require.NoError(t, result.Write(&file, r))
	require.NoError(t, result.Write(&file, &result.Report{Kind: result.Point}))
	all, err := result.ReadAll(&file, "a.json")
	require.NoError(t, err)
	require.Len(t, all, 2)
	got := all[0].Total
	require.EqualValues(t, 6, got.Frames)
	require.InDelta(t, 6.0, got.Values[result.P99], 0)
	h := got.Histograms[result.Infer]
	require.EqualValues(t, 6, h.N())
	require.InDelta(t, 1, h.Min(), 0)
	require.InDelta(t, 2, h.Quantile(.5), 0.002)
	require.InDelta(t, 30, h.Max(), 0.03)
	require.InDelta(t, 30, h.Quantile(.99), 0.03)
	require.Len(t, h.Bars(), 4)
}

func TestHistogram_Encoding_IsThatOfTheLibraries(t *testing.T) {
	t.Parallel()
	b, err := histogram(4, 8).MarshalJSON()
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(b), `"hdr":"`)
	require.True(t, found)
	encoded, _, _ := strings.Cut(rest, `"`)
	h, err := hdr.Decode([]byte(encoded))
	require.NoError(t, err)
	require.EqualValues(t, 2, h.TotalCount())
	require.True(t, h.ValuesAreEquivalent(h.Max(), 8000))
}

func TestHistogram_BeyondTheBounds_CountsAtThem(t *testing.T) {
	t.Parallel()
	h := result.NewHistogram()
	h.Add(-time.Second)
	h.Add(100 * time.Hour)
	require.EqualValues(t, 2, h.N())
	require.InDelta(t, 0, h.Min(), 0)
	require.InDelta(t, 3600e3, h.Max(), 3600)
}

func TestReadAll_NoReport_UsageError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", "[]", `{"schema": 99}`, `{"schema":1,"total":{"histograms":{"infer":{"hdr":"x"}}}}`} {
		_, err := result.ReadAll(strings.NewReader(text), "a.json")
		require.Truef(t, usage.Is(err), "%s: %v", text, err)
	}
}

func TestSameMachine_Differences_EachALine(t *testing.T) {
	t.Parallel()
	a := &result.Report{Machine: result.Machine{OS: "linux", CPU: "one", CPUs: 2, Load: 1, Memory: 24 << 30}}
	b := *a
	b.Machine.Load = 7
	require.Empty(t, result.SameMachine(a, &b))
	b.Machine.CPU, b.Machine.CPUs = "two", 4
	require.Equal(t, []string{"CPU: one and two", "CPUs: 2 and 4"}, result.SameMachine(a, &b))
}

func TestCorrectness_AnythingWrong_NotOK(t *testing.T) {
	t.Parallel()
	ok := result.Correctness{Sent: 3, Stored: 3}
	require.True(t, ok.OK())
	for _, bad := range []result.Correctness{
		{}, {Sent: 3, Stored: 2}, {Sent: 3, Stored: 3, Duplicates: 1}, {Sent: 3, Stored: 3, Missing: 1},
		{Sent: 3, Stored: 3, Disorder: 1}, {Sent: 3, Stored: 3, Problems: []string{"cut"}},
	} {
		require.False(t, bad.OK())
	}
}

func TestLessIsBetter_Rates_More(t *testing.T) {
	t.Parallel()
	require.True(t, result.LessIsBetter(result.CPUFrame))
	require.False(t, result.LessIsBetter(result.FPS))
	require.False(t, result.LessIsBetter("copy_rows_per_second"))
	require.True(t, result.LessIsBetter("fsync_us"))
}

func TestKnee_Curves_AsDefined(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []float64
		less   bool
		want   int
	}{
		{[]float64{1, 1.1, 1.9, 2.1, 9}, true, 2},
		{[]float64{1.5, 1, 2, 1, 3}, true, 3},
		{[]float64{5, 1, 1}, true, -1},
		{[]float64{1, 1, 2}, true, -1},
		{[]float64{1, 3}, true, -1},
		{[]float64{10, 80, 91, 100, 95}, false, 2},
		{[]float64{100, 50, 20}, false, 0},
		{[]float64{100, 99, 100}, false, -1},
	} {
		require.Equal(t, c.want, result.Knee(c.values, c.less), "%v", c.values)
	}
}
