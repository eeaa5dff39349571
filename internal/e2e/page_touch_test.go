package e2e_test

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/browser"
)

// touchAt moves a finger over the picture, at parts of its width and height.
func touchAt(p *browser.Page, points ...[2]float64) {
	p.Helper()
	box := browser.Eval[[]float64](p, `(s => { s.scrollIntoView({block: 'center'}); const r = s.getBoundingClientRect(); return [r.left, r.top, r.width, r.height] })(document.querySelector('.stage'))`)
	for i, at := range points {
		points[i] = [2]float64{box[0] + at[0]*box[2], box[1] + at[1]*box[3]}
	}
	p.Touch(points...)
}

// A zone is drawn by fingers on a telephone, and its corner moved by one.
func TestPage_Settings_ZoneDrawnByTouch(t *testing.T) {
	t.Parallel()
	_, config, page := drawnRun(t)
	p := browser.Blank(t)
	p.Viewport(390, 844)
	p.Goto(page + "#/settings?camera=yard")
	p.Wait(`document.querySelector('.stage')`)
	p.Click(`[data-tool="zone"]`)
	for _, at := range [][2]float64{{0.1, 0.1}, {0.9, 0.1}, {0.9, 0.9}, {0.1, 0.9}, {0.1, 0.1}} {
		touchAt(p, at)
	}
	p.Wait(`document.querySelector('[data-shape="Zone zone1"]')`)
	touchAt(p, [2]float64{0.9, 0.9}, [2]float64{0.8, 0.8}, [2]float64{0.7, 0.7})
	save(p, "+       zone1: [[")
	b, err := os.ReadFile(config)
	require.NoError(t, err)
	corners := regexp.MustCompile(`\[(0\.\d+), (0\.\d+)\]`).FindAllStringSubmatch(string(b), -1)
	require.Len(t, corners, 4, "%s", b)
	for i, want := range [][2]float64{{0.1, 0.1}, {0.9, 0.1}, {0.7, 0.7}, {0.1, 0.9}} {
		for k := range want {
			got, err := strconv.ParseFloat(corners[i][k+1], 64)
			require.NoError(t, err)
			require.InDelta(t, want[k], got, 0.02, "corner %d: %v", i, corners[i])
		}
	}
}
