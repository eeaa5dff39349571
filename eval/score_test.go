package eval_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/eval"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/usage"
)

func objects(o ...event.Object) []event.Object { return o }

func object(score float32, box ...float32) event.Object {
	return event.Object{Score: score, Box: event.Box(box)}
}

func TestEvaluate_PerfectDetections_ScoreOne(t *testing.T) {
	images := []eval.Image{{Truth: []event.Box{{0, 0, 10, 10}, {20, 0, 30, 10}}}, {Truth: []event.Box{{5, 5, 9, 9}}}}
	s := eval.Evaluate(images, [][]event.Object{
		objects(object(.9, 0, 0, 10, 10), object(.8, 20, 0, 30, 10)), objects(object(.7, 5, 5, 9, 9)),
	}, .5)
	require.InDelta(t, 1, s.AP, 1e-12)
	require.InDelta(t, 1, s.AP50, 1e-12)
	require.EqualValues(t, 1, s.Precision)
	require.EqualValues(t, 1, s.Recall)
	require.Equal(t, 3, s.People)
}

// Four people; by falling score: hit, miss, hit, miss. Precision at the hits is
// 1 and 2/3; recall 0.25 and 0.5. Of the 101 recalls, 26 (0…0.25) take 1, 25
// (0.26…0.50) take 2/3, and 50 take 0.
func TestEvaluate_HandComputedCase_AveragePrecision(t *testing.T) {
	images := []eval.Image{{Truth: []event.Box{{0, 0, 10, 10}, {20, 0, 30, 10}, {40, 0, 50, 10}, {60, 0, 70, 10}}}}
	s := eval.Evaluate(images, [][]event.Object{objects(
		object(.9, 0, 0, 10, 10), object(.8, 0, 50, 10, 60), object(.7, 20, 0, 30, 10), object(.6, 80, 50, 90, 60),
	)}, .75)
	require.InDelta(t, (26+25*2.0/3)/101, s.AP50, 1e-12)
	require.InDelta(t, (26+25*2.0/3)/101, s.AP, 1e-12, "the hits are exact at every IoU")
	require.InDelta(t, 0.5, s.Precision, 1e-12, ".9 and .8")
	require.InDelta(t, 0.25, s.Recall, 1e-12)
}

// A box shifted by 2 of 10 overlaps by 80 of 120: IoU 2/3. It is a hit at 0.50,
// 0.55, 0.60 and 0.65, four of the ten.
func TestEvaluate_ShiftedBox_MeanOverTenOverlaps(t *testing.T) {
	images := []eval.Image{{Truth: []event.Box{{0, 0, 10, 10}}}}
	s := eval.Evaluate(images, [][]event.Object{objects(object(.9, 2, 0, 12, 10))}, .5)
	require.InDelta(t, 1, s.AP50, 1e-12)
	require.InDelta(t, 0.4, s.AP, 1e-12)
}

func TestEvaluate_SecondDetectionOfAPerson_False(t *testing.T) {
	images := []eval.Image{{Truth: []event.Box{{0, 0, 10, 10}}}}
	s := eval.Evaluate(images, [][]event.Object{objects(object(.9, 0, 0, 10, 10), object(.8, 0, 0, 10, 10))}, .5)
	require.InDelta(t, 0.5, s.Precision, 1e-12)
	require.InDelta(t, 1, s.AP50, 1e-12, "full recall came first")
}

func TestEvaluate_Crowd_CountsNeitherWay(t *testing.T) {
	images := []eval.Image{{Truth: []event.Box{{0, 0, 10, 10}}, Ignore: []event.Box{{20, 0, 60, 40}}}}
	s := eval.Evaluate(images, [][]event.Object{objects(
		object(.95, 30, 10, 35, 20), object(.9, 0, 0, 10, 10), object(.85, 58, 38, 70, 50),
	)}, .5)
	require.Equal(t, 1, s.People)
	require.InDelta(t, 0.5, s.Precision, 1e-12, "inside the crowd: ignored; at its corner: false")
	require.InDelta(t, 1, s.AP50, 1e-12)
}

func TestEvaluate_EmptyImage_FalseAlarmsCounted(t *testing.T) {
	images := []eval.Image{{}, {}, {Ignore: []event.Box{{0, 0, 1, 1}}}}
	s := eval.Evaluate(images, [][]event.Object{objects(object(.6, 0, 0, 5, 5)), objects(object(.4, 0, 0, 5, 5)), nil}, .5)
	require.Equal(t, 2, s.Empty)
	require.Equal(t, 1, s.False)
	require.Zero(t, s.AP50)
	require.EqualValues(t, 1, s.Recall)
}

func TestEvaluate_ManyDetections_BestHundredCount(t *testing.T) {
	images := []eval.Image{{Truth: []event.Box{{0, 0, 10, 10}}}}
	var found []event.Object
	for range eval.MaxDetections {
		found = append(found, object(.9, 50, 50, 60, 60))
	}
	s := eval.Evaluate(images, [][]event.Object{append(found, object(.5, 0, 0, 10, 10))}, .1)
	require.Zero(t, s.Recall)
}

func TestReadLabels_FilesAndFaults_ReadOrNamed(t *testing.T) {
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "l.json")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	images, err := eval.ReadLabels(write(`{
		"images": [{"id": 7, "file_name": "a.avi#3", "width": 40, "height": 30}, {"id": 8, "file_name": "b.jpg"}],
		"categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "car"}],
		"annotations": [{"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4]},
			{"image_id": 7, "category_id": 2, "bbox": [0, 0, 9, 9]},
			{"image_id": 7, "category_id": 1, "bbox": [5, 5, 2, 2], "iscrowd": 1}]}`), "person")
	require.NoError(t, err)
	require.Equal(t, []event.Box{{1, 2, 4, 6}}, images[0].Truth)
	require.Equal(t, []event.Box{{5, 5, 7, 7}}, images[0].Ignore)
	require.Empty(t, images[1].Truth)

	images, err = eval.ReadLabels(write(`{"images": [{"id": 1}], "categories": [{"id": 4, "name": "Person"}],
		"annotations": [{"image_id": 1, "category_id": 4, "bbox": [1, 2, 3, 4]}]}`), "person")
	require.NoError(t, err, "case does not count")
	require.Len(t, images[0].Truth, 1)

	for says, text := range map[string]string{
		"no category":        `{"images": [], "categories": []}`,
		"which is not there": `{"images": [], "categories": [{"id": 1, "name": "person"}], "annotations": [{"image_id": 1, "category_id": 1}]}`,
		"two images":         `{"images": [{"id": 1}, {"id": 1}], "categories": [{"id": 1, "name": "person"}]}`,
		"COCO":               `[]`,
	} {
		_, err := eval.ReadLabels(write(text), "person")
		require.ErrorContains(t, err, says)
		require.True(t, usage.Is(err))
	}
	_, err = eval.ReadLabels("/no/such.json", "person")
	require.ErrorContains(t, err, "no such file")
}
