package full

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/models"
	"github.com/sightlog/sightlog/pipeline/detect"
)

func TestModelsList_TrialMade_TheFasterOneIsTheDefault(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for _, gain := range []float64{2, .5} {
		require.NoError(t, models.RememberTrial(gain))
		var out bytes.Buffer
		require.NoError(t, new(ModelsListCmd).Run(&cli.Env{Stdout: &out}))
		marked := regexp.MustCompile(`(?m)^(\S+) \(default\)`).FindAllStringSubmatch(out.String(), -1)
		require.Len(t, marked, 1, out.String())
		require.Equal(t, detect.AutoModel(), marked[0][1])
	}
}
