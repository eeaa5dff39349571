package page_test

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench/diff"
	"github.com/sightlog/sightlog/bench/page"
	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/internal/browser"
)

// pipeline is a report of 6 rounds whose latencies are made up, each stage as slow as factor says.
func pipeline(seed uint64, factor float64) *result.Report {
	random := rand.New(rand.NewPCG(seed, 1))
	r := &result.Report{
		Kind: result.Pipeline, Version: "0.2.0", At: time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC),
		Machine: result.Machine{
			OS: "linux", Arch: "amd64", Kernel: "6.1", CPU: "Model X", CPUs: 2, Memory: 8 << 30, Load: .3, Steal: .01,
			Others: []result.Other{{Name: "cron", PID: 7, CPU: .02}}, Onnx: "1.29", PostgreSQL: "15.1", Broker: "bundled",
			Warnings: []string{"cron took 2 % of a CPU"},
		},
		Inputs:     []result.Input{{Role: "clip", Name: "yard.mp4", Bytes: 8131690, SHA256: strings.Repeat("ab", 32)}},
		Settings:   map[string]string{"cameras": "4", "fps": "5"},
		Durability: result.Durability{Stated: "fsync before the acknowledgement", Disks: []result.Disk{{Use: "log", FileSystem: "ext4", N: 200, P50: 210, P99: 402, Durable: true}}},
		Correct:    result.Correctness{Sent: 3600, Stored: 3600}, Startup: 1.2, Warmup: 5,
		Floor: []result.Reference{{Name: "fdatasync p50", Value: 210, Unit: "µs"}},
	}
	for range 6 {
		round := result.Round{Seconds: 30, Frames: 600, Histograms: make(map[string]*result.Histogram), Values: make(map[string]float64)}
		for _, s := range result.Spans {
			round.Histograms[s.Name] = result.NewHistogram()
		}
		for range 600 {
			sum := time.Duration(0)
			for i, name := range []string{result.Wait, result.Decode, result.Infer, result.Produce, result.Fetch, result.Commit} {
				d := time.Duration(factor * []float64{.3, 1.6, 5.2, .1, 1.1, 1.4}[i] * math.Exp(.25*random.NormFloat64()) * float64(time.Millisecond))
				if random.IntN(400) == 0 {
					d *= 6
				}
				round.Histograms[name].Add(d)
				sum += d
			}
			round.Histograms[result.DueCommitted].Add(sum)
			round.Histograms[result.GrabbedCommitted].Add(sum * 9 / 10)
			round.Histograms[result.DueVisible].Add(sum + 300*time.Microsecond)
		}
		h := round.Histograms[result.DueCommitted]
		round.Values = map[string]float64{
			result.P50: h.Quantile(.5), result.P99: h.Quantile(.99), result.FPS: 20, result.CPUFrame: 11 * factor, result.CPUDetect: 8.5 * factor,
			result.CPUServices: 1.5 * factor, result.CPUPostgres: factor, result.PSS: 252e6, result.Load: .4,
		}
		round.Processes = []result.Process{{Part: "detect", Name: "sightlog", PID: 10, User: 5, System: .4, RSS: 180e6, Written: 12_000, Voluntary: 8000}}
		r.Rounds = append(r.Rounds, round)
	}
	r.Sum()
	return r
}

// points are a sweep of partitions, linger and partitioner.
func points() (all []*result.Report) {
	for i, partitions := range []string{"1", "4", "16", "64", "128", "512"} {
		for k, linger := range []string{"0s", "5ms", "1s"} {
			for m, partitioner := range []string{"sticky", "round-robin"} {
				r := &result.Report{
					Kind: result.Point, Point: map[string]string{"partitions": partitions, "linger": linger, "partitioner": partitioner, "acks": "all"},
					Correct: result.Correctness{Sent: 5, Stored: 5}, Machine: result.Machine{CPU: "Model X", CPUs: 2},
				}
				r.Rounds = []result.Round{{Values: map[string]float64{
					result.P99: 3 + float64(i) + math.Pow(3, float64(i))*float64(m+1)/20 + []float64{0, 5, 1000}[k]/10, result.Rate: 1000 + float64(10*i),
				}}}
				r.Sum()
				all = append(all, r)
			}
		}
	}
	return all
}

// has fails without printing the page.
func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		require.True(t, strings.Contains(text, part), "not there: %s", part)
	}
}

func lacks(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		require.False(t, strings.Contains(text, part), "there: %s", part)
	}
}

func write(t *testing.T, files ...page.File) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, page.Write(&b, files))
	return b.String()
}

// rendered is the page as the browser has it.
func rendered(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	if keep := os.Getenv("SIGHTLOG_PAGES"); keep != "" { // to look at
		dir = keep
	}
	path := filepath.Join(dir, name+".html")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return browser.Open(t, "file://"+filepath.ToSlash(path)).HTML()
}

// cells returns the cells of each row of the page's tables, by the row's name.
func cells(dom string) map[string][]string {
	all := make(map[string][]string)
	for _, row := range regexp.MustCompile(`(?s)<tr>(.*?)</tr>`).FindAllStringSubmatch(dom, -1) {
		var found []string
		for _, m := range regexp.MustCompile(`(?s)<t[hd]>(?:<i[^>]*></i>)?(.*?)</t[hd]>`).FindAllStringSubmatch(row[1], -1) {
			found = append(found, html.UnescapeString(m[1]))
		}
		if len(found) > 0 && all[found[0]] == nil { // a later table explains the names
			all[found[0]] = found[1:]
		}
	}
	return all
}

func TestWrite_OneReport_FiguresOfTheJSON(t *testing.T) {
	t.Parallel()
	r := pipeline(1, 1)
	var file bytes.Buffer
	require.NoError(t, result.Write(&file, r))
	read, err := result.ReadAll(&file, "a.json")
	require.NoError(t, err)
	dom := rendered(t, "one", write(t, page.File{Name: "dir/a.json", Reports: read}))
	has(t, dom, "<h1>Benchmark: a</h1>")
	found := cells(dom)
	for name, h := range read[0].Total.Histograms {
		if h.N() == 0 {
			require.NotContains(t, found, name)
			continue
		}
		require.Equal(t, []string{
			diff.Number(h.Quantile(.5)), diff.Number(h.Quantile(.9)), diff.Number(h.Quantile(.99)), diff.Number(h.Quantile(.999)), diff.Number(h.Max()), "3,600",
		}, found[name], name)
	}
	require.Equal(t, []string{"8.50 ms"}, found[result.CPUDetect])
	require.Equal(t, []string{"252 MB"}, found[result.PSS])
	require.Regexp(t, fmt.Sprintf(`^%s ms \(.* to .*\)$`, diff.Number(read[0].Total.Values[result.P99])), found[result.P99][0])
	require.Equal(t, "3,600 sent, 3,600 stored, 0 twice, 0 missing, 0 out of order", found["correct"][0])
	require.Equal(t, "fsync before the acknowledgement\nlog on ext4: a write and fdatasync take 210 µs, p99 402 µs", found["durable"][0])
	require.Equal(t, "clip yard.mp4, 8.13 MB, sha256 abababababab", found["inputs"][0])
	require.Equal(t, []string{"2 × Model X, 8.59 GB of memory"}, found["machine"])
	has(t, dom, "cron took 2 % of a CPU")
	require.Equal(t, 5, strings.Count(dom, "<figure>"), "percentiles, distribution, stages, CPU, rounds")
	require.Equal(t, 6, strings.Count(dom, `ms, p99`)/2, "each stage has a bar of its median and one to its p99")
}

// A curve's end is the longest latency, its height that of the axis.
func TestWrite_PercentileCurve_PointsAreTheHistograms(t *testing.T) {
	t.Parallel()
	h := result.NewHistogram()
	for range 90 {
		h.Add(10 * time.Millisecond)
	}
	for range 10 {
		h.Add(20 * time.Millisecond)
	}
	r := &result.Report{Kind: result.Broker, Correct: result.Correctness{Sent: 1, Stored: 1}, Rounds: []result.Round{{Histograms: map[string]*result.Histogram{"ack": h}}}}
	r.Sum()
	text := write(t, page.File{Name: "a.json", Reports: []*result.Report{r}})
	// The plot is 408 wide from 58 and 230 high from 256 up to 26; 25 ms is its top, two nines its width.
	y := func(ms float64) string { return fmt.Sprintf("%.1f", 256-230*ms/25) }
	has(t, text, fmt.Sprintf(`d="M58.0 %s`, y(10.007)))
	has(t, text, fmt.Sprintf(`L262.0 %s`, y(10.007)))
	has(t, text, fmt.Sprintf(`L466.0 %s"`, y(20.015)))
}

func TestWrite_SeveralReports_Overlaid(t *testing.T) {
	t.Parallel()
	a, b := pipeline(1, 1), pipeline(2, 1.6)
	dom := rendered(t, "two", write(t, page.File{Name: "old.json", Reports: []*result.Report{a}}, page.File{Name: "new.json", Reports: []*result.Report{b}}))
	found := cells(dom)
	require.Equal(t, []string{"8.50 ms", "13.6 ms"}, found[result.CPUDetect])
	for name, r := range map[string]*result.Report{"old": a, "new": b} {
		require.Equal(t, diff.Number(r.Total.Histograms[result.DueVisible].Quantile(.99)), found[result.DueVisible+", "+name][2])
	}
	require.Equal(t, 2*3+2+2, strings.Count(dom, "<figure>"))
	has(t, dom, "Where the time goes: new")
}

func TestWrite_IncorrectReport_NoFigures(t *testing.T) {
	t.Parallel()
	r := pipeline(1, 1)
	r.Correct.Missing = 3
	bad := *points()[0]
	bad.Correct.Stored = 4
	text := write(t, page.File{Name: "a.json", Reports: []*result.Report{r, &bad}})
	has(t, text, "NOT CORRECT: 3,600 sent, 3,600 stored, 0 twice, 3 missing, 0 out of order. No figure of it is shown.")
	has(t, text, "NOT CORRECT: 5 sent, 4 stored")
	lacks(t, text, "<figure>", "<h2>Sweep", "<h2>Latency")
	lacks(t, text, diff.Number(r.Total.Values[result.P99]))
}

func TestWrite_SearchForCameras_CurveAndTrials(t *testing.T) {
	t.Parallel()
	r := pipeline(1, 1)
	r.Limit = &result.Limit{P99: 200, Cameras: 24, Bound: "cpu", Why: "two CPUs were busy for 97 % of the time"}
	for i, n := range []int{1, 2, 4, 8, 16, 32, 24, 28} {
		p99 := []float64{12, 12.5, 13, 15, 22, 900, 150, 350}[i]
		trial := result.Trial{Cameras: n, P99: p99, CPU: min(.97, .035*float64(n)), OK: p99 <= 200, Report: pipeline(3, 1)}
		trial.Report.Total.Values[result.FPS] = 5 * float64(n)
		if !trial.OK {
			trial.Bound = "cpu"
		}
		r.Limit.Trials = append(r.Limit.Trials, trial)
	}
	dom := rendered(t, "cameras", write(t, page.File{Name: "max.json", Reports: []*result.Report{r}}))
	found := cells(dom)
	require.Equal(t, []string{"150", "0.84", "0", "0", "kept", ""}, found["24"])
	require.Equal(t, []string{"350", "0.97", "0", "0", "not kept", "cpu"}, found["28"])
	has(t, dom, "24 cameras keep a p99 of 200 ms; the next one: cpu (two CPUs were busy for 97 % of the time).")
	has(t, dom, "28 cameras, not kept: 350<")
	has(t, dom, "to keep: 200 ms", `class="level" d="M58.0 210.0L`)
	require.Equal(t, 5+3, strings.Count(dom, "<figure>"))
}

func TestWrite_Sweep_CurvesMapsAndKnee(t *testing.T) {
	t.Parallel()
	dom := rendered(t, "sweep", write(t, page.File{Name: "grid.json", Reports: points()}))
	has(t, dom, "36 points. The same in all: acks all.")
	has(t, dom, "linger 0s, partitioner sticky, knee at 16<", "linger 1s, partitioner sticky<")
	require.Equal(t, 4, strings.Count(dom, `class="knee"`), "of p99, where linger is below 1 s")
	require.Equal(t, 2*(1+2), strings.Count(dom, "<figure>"), "of p99 and rate a curve and a map for each partitioner")
	require.Equal(t, 36*2, strings.Count(dom, `class="heat"`))
	has(t, dom, "point acks=all linger=1s partitioner=sticky partitions=512: 120<")
	// 1,000 rows/s of 1,050 are nearly the most, and have nearly its colour: .08 + .87 × (1000-525)/(1050-525).
	has(t, dom, `fill-opacity="0.87"><title>point acks=all linger=0s partitioner=sticky partitions=1: 1,000<`)
	require.Less(t, strings.Index(dom, ">0s</text>"), strings.Index(dom, ">5ms</text>"), "in the order of time")
	require.Less(t, strings.Index(dom, ">5ms</text>"), strings.Index(dom, ">1s</text>"))
}

// TestWrite_TextOfAReport_StaysText has markup and script wherever a report can have text.
func TestWrite_TextOfAReport_StaysText(t *testing.T) {
	t.Parallel()
	const evil = `"></svg></style><script>document.title='broken'</script><img src=x onerror=alert(1)>&`
	r := pipeline(1, 1)
	r.Name, r.Version, r.Cut, r.Machine.CPU, r.Machine.Others[0].Name = evil, evil, evil, evil, evil
	r.Machine.Warnings, r.Inputs[0].Name, r.Settings[evil], r.Durability.Stated = []string{evil}, evil, evil, evil
	r.Floor[0].Name, r.Rounds[5].Processes[0].Name = evil, evil
	r.Limit = &result.Limit{Bound: evil, Why: evil, Trials: []result.Trial{{Cameras: 1, P99: 1, Bound: evil}, {Cameras: 2, P99: 3}}}
	r.Total.Histograms[evil], r.Total.Values[evil] = r.Total.Histograms[result.DueCommitted], 1
	all := []*result.Report{r}
	for _, p := range points() {
		p.Point["partitioner"], p.Point[evil] = evil+p.Point["partitioner"], evil
		all = append(all, p)
	}
	text := write(t, page.File{Name: "a.json", Reports: all}, page.File{Name: evil, Reports: all})
	lacks(t, text, "<script")
	lacks(t, text, "<img")
	require.NotRegexp(t, `https?:|<link|<iframe|@import|url\(`, text)
	dom := rendered(t, "evil", text)
	lacks(t, dom, "<title>broken")
	lacks(t, dom, "<img")
	lacks(t, dom, "ZgotmplZ")
}

func TestWrite_EmptyReport_APage(t *testing.T) {
	t.Parallel()
	for _, r := range []*result.Report{
		{}, {Correct: result.Correctness{Sent: 1, Stored: 1}}, {Kind: result.Point, Correct: result.Correctness{Sent: 1, Stored: 1}},
		{Correct: result.Correctness{Sent: 1, Stored: 1}, Rounds: []result.Round{{}}, Limit: &result.Limit{}},
	} {
		text := write(t, page.File{Name: "a.json", Reports: []*result.Report{r}})
		has(t, text, "</html>")
		require.NotRegexp(t, `(cx|cy|x|y|width|d)="[^"]*(NaN|Inf)`, text)
	}
}
