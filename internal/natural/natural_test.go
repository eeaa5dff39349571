package natural_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/natural"
)

func TestSort_NumbersInNames_ByTheirValue(t *testing.T) {
	t.Parallel()
	for _, want := range [][]string{
		{"cam1", "cam2", "cam10", "cam10b", "cam11"},
		{"2", "10", "a", "a1", "a1-2", "a1-10"},
		{"cam", "Cam1", "cam2", "CAM3"},
		{"a07", "a7", "a08", "a8"}, // the same number: by the bytes
		{"x99999999999999999999", "x100000000000000000000"},
		{"gate", "Hof", "hof", "tür1", "tür2", "tür10"},
	} {
		got := slices.Clone(want)
		slices.Reverse(got)
		natural.Sort(got)
		require.Equal(t, want, got)
	}
}

// An order has no circles, and none but the same name is equal.
func FuzzCompare_ThreeNames_AnOrder(f *testing.F) {
	f.Add("cam1", "cam01", "CAM1")
	f.Add("a1", "a", "a10")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		require.Equal(t, natural.Compare(a, b), -natural.Compare(b, a))
		require.Equal(t, a == b, natural.Compare(a, b) == 0)
		if natural.Compare(a, b) < 0 && natural.Compare(b, c) < 0 {
			require.Negative(t, natural.Compare(a, c))
		}
	})
}
