package e2e_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/live"
)

// livePictures returns the next picture of a camera from the page's API.
func livePictures(t *testing.T, page, camera string) *live.Picture {
	t.Helper()
	resp, err := http.Get(page + "api/v1/live?fps=10&cameras=" + camera)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	for {
		part, err := live.ReadPart(resp.Body)
		require.NoError(t, err)
		if part.Picture != nil {
			require.NotEmpty(t, part.Picture.JPEG)
			return part.Picture
		}
	}
}
