package e2e_test

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/eval"
	"github.com/sightlog/sightlog/internal/testenv"
)

// What is exported is what the tables hold, frame by frame, box by box.
func TestExport_EachFormat_EqualsTheTables(t *testing.T) {
	t.Parallel()
	clip := testenv.Data(t, "video/vtest.avi")
	dir := dataDir(t)
	ok(t, sightlog, "run", "--source", "street="+clip, "--pace", "fast", "--data", dir)
	p := start(t, sightlogd, "serve", "--data", dir)
	_, url := endpoints(t, dir, p)
	from := []string{"--data", dir}
	table := rows(t, from, "select seq, coalesce(track_id, -1) as track, x1, y1, x2, y2, score from v_detections order by seq, object_index")
	require.Greater(t, len(table), vtestFrames)

	mot, err := csv.NewReader(strings.NewReader(ok(t, sightlogd, "export", "--format", "mot", "--data", dir, "--camera", "street"))).ReadAll()
	require.NoError(t, err)
	require.Len(t, mot, len(table))
	for i, r := range table {
		v := make([]float64, 10)
		require.Len(t, mot[i], len(v))
		for k, text := range mot[i] {
			v[k], err = strconv.ParseFloat(text, 64)
			require.NoError(t, err)
		}
		of := func(name string) float64 { return r[name].(float64) }
		require.InDeltaSlice(t, []float64{of("seq") + 1, of("track"), of("x1"), of("y1"), of("x2") - of("x1"), of("y2") - of("y1"), of("score"), -1, -1, -1}, v, 1e-4, "line %d", i)
	}
	tracked := strings.Count(ok(t, sightlogd, "export", "--format", "mot", "--tracked", "--database-url", url), "\n")
	require.Equal(t, number(t, from, "select count(*) from detections where track_id is not null"), tracked)
	require.Less(t, tracked, len(table), "a person has a track from the second frame on")

	out := filepath.Join(t.TempDir(), "coco.json")
	ok(t, sightlog, "export", "--format", "coco", "--out", out, "--data", dir)
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	var coco struct {
		Images []struct {
			ID   int64  `json:"id"`
			File string `json:"file_name"`
		} `json:"images"`
		Annotations []struct {
			Image    int64      `json:"image_id"`
			Category int        `json:"category_id"`
			Box      [4]float64 `json:"bbox"`
			Score    float64    `json:"score"`
			Track    *float64   `json:"track_id"`
		} `json:"annotations"`
	}
	require.NoError(t, json.Unmarshal(b, &coco))
	require.Len(t, coco.Images, vtestFrames)
	for i, im := range coco.Images {
		require.EqualValues(t, i+1, im.ID)
		require.Equal(t, "vtest.avi#"+strconv.Itoa(i), im.File)
	}
	require.Len(t, coco.Annotations, len(table))
	for i, r := range table {
		a, of := coco.Annotations[i], func(name string) float64 { return r[name].(float64) }
		require.EqualValues(t, of("seq")+1, a.Image)
		require.Equal(t, 1, a.Category)
		require.InDeltaSlice(t, []float64{of("x1"), of("y1"), of("x2") - of("x1"), of("y2") - of("y1"), of("score")}, append(a.Box[:], a.Score), 1e-4, "annotation %d", i)
		if of("track") < 0 {
			require.Nil(t, a.Track)
		} else {
			require.EqualValues(t, of("track"), *a.Track)
		}
	}
	// It is a file of labels that our own evaluation reads.
	labels, err := eval.ReadLabels(out, "person")
	require.NoError(t, err)
	truth := 0
	for _, im := range labels {
		truth += len(im.Truth)
	}
	require.Equal(t, len(table), truth)
	require.Zero(t, p.stop(t).code)
}
