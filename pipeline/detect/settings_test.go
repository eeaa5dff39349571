package detect

import (
	"log/slog"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/internal/onnxtest"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/usage"
)

func TestThresholdsOf_ScoreAndTracking_ResolvedOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		asked, model float32
		tracked      bool
		want         Thresholds
	}{
		{0, 0.4, false, Thresholds{0.4, 0.4}},
		{0, 0.4, true, Thresholds{0.4, 0.1}},
		{0.6, 0.4, false, Thresholds{0.6, 0.6}},
		{0.6, 0.4, true, Thresholds{0.6, 0.1}},
		{0.05, 0.4, true, Thresholds{0.05, 0.05}},
	} {
		require.Equal(t, c.want, ThresholdsOf(c.asked, c.model, c.tracked), "%+v", c)
	}
}

func TestCheck_FlagThatCannotBe_UsageError(t *testing.T) {
	t.Setenv(onnx.EnvLibrary, onnxtest.Library(t))
	good := config.Detect{Source: []string{"test://people"}, Model: "person-nano", Classes: []string{"person"}}
	check := func(d config.Detect) error {
		if err := Check(pipeline.Job{Detect: d}); err != nil {
			return err
		}
		_, err := CheckModel(pipeline.Job{Detect: d}, slog.New(slog.DiscardHandler))
		return err
	}
	require.NoError(t, check(good))
	for says, change := range map[string]func(*config.Detect){
		"--score 1.5":             func(d *config.Detect) { d.Score = 1.5 },
		"--score -0.1":            func(d *config.Detect) { d.Score = -0.1 },
		"--score NaN":             func(d *config.Detect) { d.Score = float32(math.NaN()) },
		"--side -1":               func(d *config.Detect) { d.Side = -1 },
		"--side 5000":             func(d *config.Detect) { d.Side = 5000 },
		"--threads -1":            func(d *config.Detect) { d.Threads = -1 },
		"no --source is given":    func(d *config.Detect) { d.Source = nil },
		`no class "persn"`:        func(d *config.Detect) { d.Classes = []string{"persn"} },
		"model nano.onnx":         func(d *config.Detect) { d.Model = "nano.onnx" },
		"settings_test.go":        func(d *config.Detect) { d.Model = "./settings_test.go" },
		"person-nan":              func(d *config.Detect) { d.Model = "person-nan" },
		"is no kind of video":     func(d *config.Detect) { d.Preview = "a.gif" },
		"unknown scheme \"rtps\"": func(d *config.Detect) { d.Source = []string{"rtps://camera"} },
	} {
		d := good
		change(&d)
		err := check(d)
		require.True(t, usage.Is(err), "%s: %v", says, err)
		require.ErrorContains(t, err, says)
	}
}
