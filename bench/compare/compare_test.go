package compare

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench/baseline"
	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/usage"
)

func TestParsePlayed_Report_FramesThatWereDueAreCounted(t *testing.T) {
	t.Parallel()
	text := `{"cameras":[{"name":"a","interval_us":200000,"phase_us":0,"sent":5,"acked":5},
		{"name":"b","interval_us":200000,"phase_us":100000,"sent":4,"acked":4}],"errors":[]}`
	cams, interval, err := parsePlayed(text, 2, 900*time.Millisecond)
	require.NoError(t, err)
	require.Equal(t, 200*time.Millisecond, interval)
	require.EqualValues(t, 5, cams[0].Total) // at 0, 200, 400, 600 and 800 ms
	require.EqualValues(t, 4, cams[1].Total) // at 100, 300, 500 and 700 ms; 900 is the end
	require.Equal(t, "b-run", cams[1].Run)
	require.EqualValues(t, 4, cams[1].Sent)
}

func TestParsePlayed_NoReport_Refused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Traceback":                             "read the producer's report",
		`{"cameras":[]}`:                        "reports 0 of 1 cameras",
		`{"cameras":[{"name":"a"}]}`:            "an interval of 0 µs for a",
		`{"cameras":[],"errors":["timed out"]}`: "were refused: timed out",
	} {
		_, _, err := parsePlayed(text, 1, time.Second)
		require.ErrorContains(t, err, want)
	}
}

func TestTools_Absent_OneLineWithWhatToDo(t *testing.T) {
	empty := t.TempDir()
	_, err := FindPython("no-such-python")
	require.True(t, usage.Is(err), "%v", err)
	require.EqualError(t, err, "no-such-python is not installed; install Python 3.11 or later with venv, or name it with --python")

	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "python3"), []byte("#!/bin/sh\nexit 1\n"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(bin, "java"), []byte("#!/bin/sh\n"), 0o755))
	_, err = FindPython(filepath.Join(bin, "python3"))
	require.ErrorContains(t, err, "is no Python 3.11 or later")

	t.Setenv("PATH", bin)
	_, _, err = FindJava(empty)
	require.True(t, usage.Is(err), "%v", err)
	require.EqualError(t, err, "no Apache Kafka in "+empty+"; fetch it with scripts/setup.sh --tests, or name the directory of its jars with --kafka-jars")
	require.NoError(t, os.WriteFile(filepath.Join(empty, "kafka_2.13-4.1.0.jar"), nil, 0o600))
	java, jars, err := FindJava(empty)
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(bin, "java"), filepath.Join(empty, "*")}, []string{java, jars})

	t.Setenv("PATH", empty)
	_, _, err = FindJava(empty)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "Java is not installed")
}

func TestEnvironment_Directory_UsedOrRefusedOrMade(t *testing.T) {
	t.Parallel()
	said := ""
	say := func(s string) { said = s }
	python := filepath.Join(t.TempDir(), "python3") // fails as one without venv does
	require.NoError(t, os.WriteFile(python, []byte("#!/bin/sh\necho one >&2\necho 'No module named venv' >&2\nexit 1\n"), 0o755))

	ready := t.TempDir()
	wanted, err := baseline.Files.ReadFile("requirements.txt")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(ready, installed), wanted, 0o600))
	got, err := Environment(t.Context(), python, ready, say)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(ready, "bin", "python"), got)
	require.Empty(t, said)

	// Requirements of another version of this program: it is made again.
	require.NoError(t, os.WriteFile(filepath.Join(ready, "pyvenv.cfg"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(ready, installed), []byte("numpy==1\n"), 0o600))
	_, err = Environment(t.Context(), python, ready, say)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, ": No module named venv; install Python's venv module")
	require.Contains(t, said, ready)

	other := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(other, "diary.txt"), nil, 0o600))
	_, err = Environment(t.Context(), python, other, say)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "it has other files")
}

// reportOf is a report whose rounds took so much CPU time, and so long for their one frame.
func reportOf(kind result.Kind, name string, values ...float64) *result.Report {
	r := &result.Report{Kind: kind, Name: name, Correct: result.Correctness{Sent: 9, Stored: 9}, Settings: map[string]string{"cameras": "4"}}
	for _, v := range values {
		h := result.NewHistogram()
		h.Add(time.Duration(v * float64(time.Millisecond)))
		r.Rounds = append(r.Rounds, result.Round{
			Seconds: 30, Values: map[string]float64{result.CPUFrame: v}, Histograms: map[string]*result.Histogram{result.DueCommitted: h},
		})
	}
	r.Sum()
	return r
}

func TestWriteText_FiveRounds_RatiosWithSpread(t *testing.T) {
	t.Parallel()
	ours := reportOf(result.Pipeline, "", 10, 11, 12, 13, 14)
	var b strings.Builder
	require.NoError(t, WriteText(&b, []*result.Report{ours, reportOf(result.Baseline, Tuned, 20, 22, 24, 26, 28), reportOf(result.Baseline, Naive, 10, 11, 12, 13, 15)}))
	text := b.String()
	require.Contains(t, text, "tuned: frames sent 9 = rows 9, duplicates 0, missing 0, out of order 0")
	require.Regexp(t, `CPU a frame, ms +12\.0 \(10\.0–14\.0\) +24\.0 \(20\.0–28\.0\) +×2\.00 \(1\.43–2\.80\) +12\.0 \(10\.0–15\.0\) +~`, text)
	require.Regexp(t, `due→committed p99, ms +12\.0 \(10\.0–14\.0\) +24\.0 \(20\.0–28\.0\) +×2\.00`, text)

	b.Reset()
	require.NoError(t, WriteText(&b, []*result.Report{reportOf(result.Pipeline, "", 10), reportOf(result.Baseline, Tuned, 20)}))
	require.Contains(t, b.String(), "no ratios: they need 5 rounds")
	require.NotContains(t, b.String(), "×")
}

func TestCut_BeforeTheFirstRound_Error(t *testing.T) {
	t.Parallel()
	_, err := cut([]*result.Report{{}}, 0, 5)
	require.Error(t, err)
	all, err := cut([]*result.Report{reportOf(result.Pipeline, "", 1, 2)}, 2, 5)
	require.NoError(t, err)
	require.Equal(t, "it was stopped in round 3 of 5, which has no figures", all[0].Cut)
}
