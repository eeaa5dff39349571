package full_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/models"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/pipeline/detect"
)

func TestDocuments_CameraSettings_Accepted(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(testenv.Root(), "docs", "zones.md"))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(page), "```yaml\n")
	require.True(t, found)
	text, _, found := strings.Cut(rest, "```")
	require.True(t, found)
	path := filepath.Join(t.TempDir(), "sightlog.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	file, err := config.Load(path)
	require.NoError(t, err)
	require.NoError(t, file.Check(path, nil))
	require.Len(t, file.Cameras()["yard"].Lines["gate"], 2)
	require.NoError(t, detect.Check(pipeline.Job{
		Detect: config.Detect{Source: []string{"yard=yard.mp4"}, Track: "on", Model: models.Default, Classes: []string{"person"}}, Cameras: file.Cameras(),
	}))
}
