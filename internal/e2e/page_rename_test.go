package e2e_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/browser"
)

const namedConfig = `# the camera at the yard
cameras:
  yard: # of the pattern
    zones:
      mat: [[0, 0], [1, 0], [1, 1], [0, 1]] # all of it
    lines: {gate: [[0.5, 1], [0.5, 0]]} # in from the left
    loitering: {mat: 2m}
    staff: {zone: mat, longer-than: 4h}
places:
  all: {lines: [yard/gate]} # one way in
alarms:
  crowd: occupancy of mat > 500 # many
`

// rename gives a shape of the list another name.
func rename(p *browser.Page, shape, name string) {
	p.Helper()
	p.Run(`(i => { i.value = '` + name + `'; i.dispatchEvent(new Event('change')) })(document.querySelector('[data-shape="` + shape + `"] input'))`)
}

// A zone and a line that other keys name get other names in the page: all that names them is changed in the same
// write, no other byte is, and the camera counts on. Undone afterwards, the file is as it was, but for quotes.
func TestPage_Settings_RenamedWithAllThatNamesThem(t *testing.T) {
	t.Parallel()
	dir, config, page := runOf(t, namedConfig)
	p := browser.Blank(t)
	p.Goto(page + "#/settings?camera=yard")
	p.Wait(`document.querySelector('[data-shape="Zone mat"]')`)
	rename(p, "Zone mat", "rug")
	p.Wait(`document.querySelector('[data-shape="Zone rug"]')`)
	rename(p, "Line gate", "step")
	p.Wait(`document.querySelector('[data-shape="Line step"]')`)
	save(p, "+       rug: [[", "+     loitering: {rug: 2m}", `+   crowd: "occupancy of yard/rug > 500"`)
	p.WaitText("#state", "the alarms of what has another name stay silent: crowd")
	text := func() string {
		t.Helper()
		b, err := os.ReadFile(config)
		require.NoError(t, err)
		return string(b)
	}
	require.Equal(t, strings.NewReplacer(" mat: [", " rug: [", "{mat: 2m}", "{rug: 2m}", "zone: mat", "zone: rug", "{gate: [", "{step: [",
		"[yard/gate]", `["yard/step"]`, "occupancy of mat > 500", `"occupancy of yard/rug > 500"`).Replace(namedConfig), text())

	from := []string{"--data", dir}
	require.Eventually(t, func() bool {
		return number(t, from, "SELECT count(*) FROM v_detections WHERE 'rug' = ANY (zones)") > 0
	}, limit, 20*time.Millisecond)
	require.Equal(t, 1, number(t, from, "SELECT count(*) FROM places JOIN place_lines ON place_id = id WHERE camera = 'yard' AND line = 'step'"))
	require.Equal(t, 1, number(t, from, "SELECT count(*) FROM runs"), "the run goes on")

	// Back again, by undo after the save.
	for _, shape := range []string{"Line gate", "Zone mat"} {
		p.Run(`[...document.querySelectorAll('.tools button')].find(b => b.textContent === 'Undo').click()`)
		p.Wait(`document.querySelector('[data-shape="` + shape + `"]')`)
	}
	save(p, "+       mat: [[")
	require.Equal(t, strings.NewReplacer("[yard/gate]", `["yard/gate"]`, "occupancy of mat > 500", `"occupancy of yard/mat > 500"`).Replace(namedConfig), text())
}

// The heat map of the camera lies behind the shapes while its switch is on, and drawing goes on over it.
func TestPage_Settings_HeatMapBehindTheShapes(t *testing.T) {
	t.Parallel()
	_, _, page := drawnRun(t)
	p := browser.Blank(t)
	p.Goto(page + "#/settings?camera=yard")
	p.Wait(`document.querySelector('.stage')`)
	const shown = `document.querySelector('.stage .heat').getAttribute('href')`
	require.True(t, browser.Eval[bool](p, shown+" === null"))
	p.Click("#heat")
	p.Wait(shown + `?.startsWith('data:image/png')`)
	cells := browser.Eval[[]int](p, `(async () => {
		const img = new Image();
		img.src = `+shown+`;
		await img.decode();
		const canvas = document.createElement('canvas');
		canvas.width = canvas.height = 48;
		const g = canvas.getContext('2d');
		g.drawImage(img, 0, 0);
		const d = g.getImageData(0, 0, 48, 48).data;
		return [img.width, d.filter((v, i) => i % 4 === 3 && v > 0).length];
	})()`)
	require.Equal(t, 48, cells[0])
	require.Greater(t, cells[1], 10, "cells in which somebody stood")
	p.Click(`[data-tool="zone"]`)
	clickAt(p, [2]float64{0.05, 0.1}, [2]float64{0.95, 0.1}, [2]float64{0.95, 0.99}, [2]float64{0.05, 0.1})
	p.Wait(`document.querySelector('[data-shape="Zone zone1"]')`)
	p.EachShape(func(string) {})
	p.Click("#heat")
	p.Wait(shown + " === null")
}
