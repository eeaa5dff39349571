package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/browser"
	"github.com/sightlog/sightlog/internal/testenv"
)

const drawnConfig = `# the camera at the yard
cameras:
  yard: # of the pattern
    fps: 20   # enough
`

// drawnRun starts a run of the test pattern on a configuration file, and returns the address
// of its page.
func drawnRun(t *testing.T) (dir, config, page string) {
	t.Helper()
	return runOf(t, drawnConfig)
}

// runOf is drawnRun of another configuration.
func runOf(t *testing.T, text string) (dir, config, page string) {
	t.Helper()
	config = filepath.Join(t.TempDir(), "sightlog.yaml")
	require.NoError(t, os.WriteFile(config, []byte(text), 0o600))
	dir = dataDir(t)
	p := start(t, sightlog, "run", "--config", config, "--data", dir, "--web", "127.0.0.1:0", "--source", "yard=test://people?people=3&fps=10&size=640x360&frames=100000")
	require.Eventually(t, func() bool {
		require.False(t, p.ended(), "it has ended\n%s", p.output)
		_, after, found := strings.Cut(do(t, sightlogd, "url", "--data", dir).stdout, "web=")
		page, _, _ = strings.Cut(after, "\n")
		return found
	}, limit, 20*time.Millisecond)
	waitRows(t, dir, 20)
	return dir, config, page
}

// clickAt clicks on the picture, at parts of its width and height.
func clickAt(p *browser.Page, points ...[2]float64) {
	p.Helper()
	for _, at := range points {
		box := browser.Eval[[]float64](p, `(r => [r.left, r.top, r.width, r.height])(document.querySelector('.stage').getBoundingClientRect())`)
		p.Do(chromedp.MouseClickXY(box[0]+at[0]*box[2], box[1]+at[1]*box[3]))
	}
}

// save writes the changes, after a look at the difference.
func save(p *browser.Page, differs ...string) {
	p.Helper()
	p.Run(`document.querySelector('[data-do="save"]').click()`) // the figures of the preview may move it under a mouse
	p.Wait(`document.querySelector('.diff:not([hidden]) pre')`)
	for _, text := range differs {
		p.WaitText(".diff pre", text)
	}
	p.Click(`[data-do="write"]`)
	p.WaitText("#state", "Saved. The camera counts with it")
}

func TestPage_Settings_DrawnZoneIsWrittenAndUsed(t *testing.T) {
	t.Parallel()
	dir, config, page := drawnRun(t)
	p := browser.Blank(t)
	p.Goto(page + "#/settings?camera=yard")
	p.Wait(`document.querySelector('.stage')`)

	// By mouse: four points, and the first again.
	p.Click(`[data-tool="zone"]`)
	clickAt(p, [2]float64{0.05, 0.1}, [2]float64{0.95, 0.1}, [2]float64{0.95, 0.99}, [2]float64{0.05, 0.99}, [2]float64{0.05, 0.1})
	p.Wait(`document.querySelector('[data-shape="Zone zone1"]')`)
	p.WaitText(`[data-shape="Zone zone1"] .figure`, "visits")
	p.WaitText("#counted", "The newest hour of detections")

	// By keyboard: a line, the cross from the middle to the left, then to the right.
	p.Run(`document.querySelector('[data-tool="line"]').focus()`)
	p.Press(kb.Enter)
	p.Press(strings.Repeat(kb.ArrowLeft, 10) + kb.Enter)
	p.Press(strings.Repeat(kb.ArrowRight, 20) + kb.Enter)
	p.Wait(`document.querySelector('[data-shape="Line line1"]')`)
	p.Wait(`document.activeElement.dataset.at === '1.0'`)
	p.Press(strings.Repeat(kb.ArrowUp, 4)) // the point has the focus, and moves
	p.WaitText("#said", "%")

	// A name; undo and redo.
	p.Run(`(i => { i.value = 'gate'; i.dispatchEvent(new Event('change')) })(document.querySelector('[data-shape="Line line1"] input'))`)
	p.Wait(`document.querySelector('[data-shape="Line gate"]')`)
	p.Run(`[...document.querySelectorAll('.tools button')].find(b => b.textContent === 'Undo').click()`)
	p.Wait(`document.querySelector('[data-shape="Line line1"]')`)
	p.Run(`[...document.querySelectorAll('.tools button')].find(b => b.textContent === 'Redo').click()`)
	p.Wait(`document.querySelector('[data-shape="Line gate"]')`)
	p.EachShape(func(name string) {
		if name == "phone" { // of the wider ones the picture of the pattern is too large for docs
			p.Document("docs/page-settings-phone.png")
		}
	})
	save(p, "+     zones:", "+       zone1: [[", "+       gate: [[")
	b, err := os.ReadFile(config)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(b), drawnConfig), "comments and spaces stay:\n%s", b)

	// The rows have the zone from then on, and no frame is missing or there twice.
	from := []string{"--data", dir}
	for number(t, from, "SELECT count(*) FROM v_detections WHERE 'zone1' = ANY (zones)") < 20 {
		time.Sleep(20 * time.Millisecond)
	}
	r := rows(t, from, `SELECT count(*) AS n, count(DISTINCT seq) AS distinct, max(seq) - min(seq) + 1 AS span, min(seq) AS first, count(DISTINCT run) AS runs FROM v_sightings`)[0]
	require.Equal(t, r["n"], r["distinct"])
	require.Equal(t, r["n"], r["span"])
	require.EqualValues(t, 0, r["first"])
	require.EqualValues(t, 1, r["runs"])
	require.Zero(t, number(t, from, `SELECT count(*) FROM v_detections d WHERE zones IS NULL AND state IS DISTINCT FROM 'thing' AND seq > (SELECT min(seq) FROM v_detections WHERE 'zone1' = ANY (zones))
		AND (x1 + x2) / 2 / 640 BETWEEN 0.06 AND 0.94 AND y2 / 360 BETWEEN 0.11 AND 0.98`))

	// What another changed meanwhile is not lost: the page says so.
	p.Expect("412")
	require.NoError(t, os.WriteFile(config, []byte(strings.Replace(string(b), "gate:", "door:", 1)), 0o600))
	p.Run(`document.querySelector('[data-shape="Zone zone1"] [aria-label^="Delete"]').click()`)
	p.Run(`document.querySelector('[data-do="save"]').click()`) // the figures of the preview may move it under a mouse
	p.Wait(`document.querySelector('.diff:not([hidden]) pre')`)
	p.Click(`[data-do="write"]`)
	p.WaitText(".wrong", "have changed since they were loaded")
	p.Click(`[data-do="discard"]`)
	p.Wait(`document.querySelector('[data-shape="Line door"]') && document.querySelector('[data-shape="Zone zone1"]')`)

	// What cannot be is said in words.
	p.Expect("422")
	p.Click(`[data-tool="zone"]`)
	clickAt(p, [2]float64{0.2, 0.2}, [2]float64{0.6, 0.6}, [2]float64{0.6, 0.2}, [2]float64{0.2, 0.6}, [2]float64{0.2, 0.2})
	p.WaitText(".wrong", "crosses itself")
}

// A camera that has not been opened yet has no picture: the page says why, and writes nothing on the
// console.
func TestPage_Settings_CameraWithoutPicture_SaysWhy(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	run := start(t, sightlog, "run", "--data", dir, "--web", "127.0.0.1:0", "--source", "gate=rtsp://"+testenv.FreeAddr(t)+"/gate",
		"--source", "yard=test://people?people=3&fps=10&size=640x360&frames=100000")
	page := pageOf(t, dir, run)
	p := browser.Blank(t)
	p.Goto(page + "#/settings?camera=gate")
	p.WaitText("#nopicture", "No picture yet: ")
	p.Wait(`!/sightlog is asked/.test(document.querySelector('#nopicture').textContent)`)
	p.Accessible()
	p.Goto(page + "#/settings?camera=yard")
	p.Wait(`document.querySelector('.stage .picture').getAttribute('href')?.startsWith('blob:')`)
	p.Wait(`document.querySelector('#nopicture').hidden`)
}

func TestPage_Health_PartsAndLatency(t *testing.T) {
	t.Parallel()
	_, _, page := drawnRun(t)
	p := browser.Blank(t)
	p.Goto(page + "#/health")
	for _, part := range []string{"cameras", "detector", "broker", "lag", "database", "disk"} {
		p.Wait(fmt.Sprintf(`document.querySelector('[data-part="%s"]')`, part))
	}
	p.WaitText(`[data-part="cameras"]`, "1 camera is well.")
	p.WaitText(`[data-part="detector"]`, "A frame takes")
	p.WaitText(".waterfall", "From the frame to its rows")
	for _, stage := range []string{"Decode", "Inference", "Produce", "Log", "Commit"} {
		p.WaitText(".waterfall tbody", stage)
	}
	p.EachShape(func(name string) {
		if name != "phone" {
			p.Viewport(900, 560)
		}
		p.Document("docs/page-health-" + name + ".png")
	})
}
