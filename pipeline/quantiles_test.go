package pipeline

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestQuantile_FullWindow_NearestRankOfTheNewest(t *testing.T) {
	var w window
	require.Zero(t, w.quantile(.5))
	for i := range 100 {
		w.add(time.Duration(i + 1))
	}
	require.EqualValues(t, 50, w.quantile(.50))
	require.EqualValues(t, 99, w.quantile(.99))
	for range windowSize {
		w.add(7)
	}
	require.EqualValues(t, 7, w.quantile(.99))
}
