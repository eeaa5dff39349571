package e2e_test

import (
	"io"
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

// fetch returns the body and the type of an answer that must be 200, up to some bytes.
func fetch(t *testing.T, url string, limit int64) (body []byte, contentType string) {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, limit))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s", body)
	return body, resp.Header.Get("Content-Type")
}
