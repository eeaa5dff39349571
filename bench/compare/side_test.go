package compare

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench/host"
	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/internal/testenv"
)

// toolsHere returns the tools that make test has fetched, and skips the test where one is absent.
func toolsHere(t *testing.T) Tools {
	t.Helper()
	jars := os.Getenv("SIGHTLOG_KAFKA_JARS")
	if jars == "" {
		jars = filepath.Join(testenv.Root(), "lib", "kafka")
	}
	java, classPath, err := FindJava(jars)
	if err != nil {
		testenv.Skip(t, err.Error())
	}
	dir := filepath.Join(testenv.Root(), "lib", "baseline")
	wanted, err := os.ReadFile(filepath.Join(testenv.Root(), "bench", "baseline", "requirements.txt"))
	require.NoError(t, err)
	if has, err := os.ReadFile(filepath.Join(dir, installed)); err != nil || string(has) != string(wanted) {
		testenv.Skip(t, "no virtual environment of the baseline in "+dir+": make test makes it where Python 3.11 is installed")
	}
	return Tools{Java: java, Jars: classPath, Python: filepath.Join(dir, "bin", "python")}
}

// Both baselines, with Apache Kafka and a private PostgreSQL. Their figures are those of a busy machine;
// what is tested is that all frames arrive, and that each stage and part is there.
func TestSide_Run_EachFrameIsARowWithItsTimes(t *testing.T) {
	tools := toolsHere(t)
	model, err := os.ReadFile(filepath.Join(testenv.Root(), "models", "person-nano.onnx"))
	require.NoError(t, err)
	clip := filepath.Join(testenv.Root(), "samples", "vtest.avi")
	dir, err := host.Scratch("") // the server's user can reach it
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	for _, name := range []string{Tuned, Naive} {
		t.Run(name, func(t *testing.T) {
			c := Config{
				Clips: []string{clip, clip}, Model: model, FPS: 5, WarmUp: time.Second, Duration: 2 * time.Second, Partitions: 2, Sinks: 2,
				Tools: tools, Dir: dir, Log: slog.New(slog.DiscardHandler),
			}
			s := side{Config: &c, name: name}
			m, err := s.run(t.Context())
			require.NoError(t, err)
			require.True(t, m.correct.OK(), "%+v", m.correct)
			require.EqualValues(t, 2*5*3, m.correct.Sent)
			require.EqualValues(t, 2*5*2, m.round.Frames)
			for _, stage := range []string{
				result.DueCommitted, result.GrabbedCommitted, result.Wait, result.Decode, result.Infer, result.Produce, result.Fetch, result.Commit,
			} {
				require.EqualValues(t, 2*5*2, m.round.Histograms[stage].N(), stage)
			}
			parts := make(map[string]int)
			for _, p := range m.round.Processes {
				parts[p.Part+" "+p.Name]++
				if p.Part != host.Postgres {
					require.Positive(t, p.PSS, "%s %s", p.Part, p.Name)
				}
			}
			consumers := map[string]int{Tuned: 2, Naive: 1}[name]
			require.Equal(t, 1, parts["services java"], "%v", parts)
			require.Equal(t, 1, parts["detect python"]+parts["detect python3"], "%v", parts)
			require.Equal(t, consumers, parts["services python"]+parts["services python3"], "%v", parts)
			require.Positive(t, m.round.Values[result.CPUDetect])
			require.Contains(t, m.stated, map[string]string{Tuned: "synced", Naive: "NOT durable"}[name])
		})
	}
}
