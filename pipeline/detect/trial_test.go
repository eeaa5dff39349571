package detect

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/internal/onnxtest"
	"github.com/sightlog/sightlog/models"
	"github.com/sightlog/sightlog/pipeline"
)

var silent = slog.New(slog.DiscardHandler)

func TestChooseModel_Named_IsThatOneWhateverTheTrialSaid(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	require.NoError(t, models.RememberTrial(2))
	for _, name := range []string{"person-nano", "person-nano-int8", "person-small", "yolox-nano", "mine.onnx"} {
		chosen, err := ChooseModel(name, silent)
		require.NoError(t, err)
		require.Equal(t, name, chosen)
	}
}

func TestChooseModel_TrialIsRemembered_IsTheFasterOne(t *testing.T) {
	if !hasByteDotProducts() {
		t.Skip("the processor has no dot products of bytes")
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	require.Equal(t, models.Default, AutoModel(), "not tried yet")
	floats, bytes := []string{models.Default, models.Small}, []string{models.Int8, models.SmallInt8}
	for gain, want := range map[float64][]string{1.4: bytes, 1.05: floats, .7: floats} {
		require.NoError(t, models.RememberTrial(gain))
		for i, asked := range []string{models.Auto, models.AutoSmall} {
			chosen, err := ChooseModel(asked, silent)
			require.NoError(t, err)
			require.Equal(t, want[i], chosen, "%v times as fast", gain)
		}
		require.Equal(t, want[0], AutoModel())
	}
}

func TestCheck_ModelLeftToTheMachine_IsAccepted(t *testing.T) {
	t.Setenv(onnx.EnvLibrary, onnxtest.Library(t))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	require.NoError(t, models.RememberTrial(2))
	for asked, of := range choices {
		job := pipeline.Job{Detect: config.Detect{Source: []string{"test://people"}, Model: asked, Classes: []string{"person"}}}
		require.NoError(t, Check(job), asked)
		chosen, err := CheckModel(job, silent)
		require.NoError(t, err)
		require.Contains(t, []string{of.floats, of.bytes}, chosen)
	}
}

// Its answer is measured, so only what follows from it is compared: it is what the trial
// said, and the second start asks the file.
func TestChooseModel_FirstStart_TriesAndRemembers(t *testing.T) {
	if !hasByteDotProducts() {
		t.Skip("the processor has no dot products of bytes")
	}
	t.Setenv(onnx.EnvLibrary, onnxtest.Library(t))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	job := pipeline.Job{Detect: config.Detect{Source: []string{"test://people"}, Model: models.Auto, Classes: []string{"person"}}}
	chosen, err := CheckModel(job, silent)
	require.NoError(t, err)
	gain, known := models.Trial()
	require.True(t, known)
	require.Equal(t, choices[models.Auto].chosenBy(gain), chosen)
	require.Equal(t, models.Auto, job.Detect.Model, "the caller's job is its own")

	t.Setenv(onnx.EnvLibrary, "/nowhere") // a second trial would fail
	again, err := ChooseModel(models.Auto, silent)
	require.NoError(t, err)
	require.Equal(t, chosen, again)
}

func TestChooseModel_CacheCannotBeWritten_ChoosesAllTheSame(t *testing.T) {
	if !hasByteDotProducts() {
		t.Skip("the processor has no dot products of bytes")
	}
	t.Setenv(onnx.EnvLibrary, onnxtest.Library(t))
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	t.Setenv("XDG_CACHE_HOME", file)
	chosen, err := ChooseModel(models.Auto, silent)
	require.NoError(t, err)
	require.Contains(t, []string{models.Default, models.Int8}, chosen)
}

// steady is a model that takes some time for each run.
type steady struct {
	detector.Model
	takes time.Duration
	runs  int
}

func (s *steady) Run(*detector.Tensor) ([]detector.Tensor, error) {
	s.runs++
	for began := time.Now(); time.Since(began) < s.takes; {
	}
	return nil, nil
}

func TestGainOf_TwoModels_RunInTurnAtLeastFiveTimes(t *testing.T) {
	t.Parallel()
	slow, fast := &steady{takes: 40 * time.Millisecond}, &steady{}
	gain, err := gainOf(slow, fast, 0)
	require.NoError(t, err)
	require.Greater(t, gain, 1.0)
	require.Equal(t, 8, slow.runs)
	require.Equal(t, slow.runs, fast.runs)
}
