package testenv

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// outcome records how a test ends.
type outcome struct {
	testing.TB
	ended string
}

func (o *outcome) Helper()               {}
func (o *outcome) Skip(...any)           { o.ended = "skip"; panic(o) }
func (o *outcome) Fatalf(string, ...any) { o.ended = "fail"; panic(o) }

func TestSkip_RequiredParts_FailInsteadOfSkip(t *testing.T) {
	t.Setenv("SIGHTLOG_TESTDATA", t.TempDir())
	for _, tc := range []struct{ require, part, data string }{
		{"", "skip", "skip"},
		{"installable", "fail", "skip"},
		{"all", "fail", "fail"},
	} {
		t.Setenv("SIGHTLOG_REQUIRE", tc.require)
		end := func(f func(testing.TB)) string {
			o := &outcome{TB: t}
			func() {
				defer func() { _ = recover() }()
				f(o)
			}()
			return o.ended
		}
		require.Equal(t, tc.part, end(func(t testing.TB) { t.Helper(); Skip(t, "absent") }), "SIGHTLOG_REQUIRE=%s", tc.require)
		require.Equal(t, tc.data, end(func(t testing.TB) { t.Helper(); Data(t, "models/none.onnx") }), "SIGHTLOG_REQUIRE=%s", tc.require)
	}
}
