package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/browser"
)

// pageConfig has a zone and a line for the camera yard.
const pageConfig = `cameras:
  yard:
    zones: {door: [[0.08, 0.35], [0.42, 0.35], [0.42, 0.97], [0.08, 0.97]]}
    lines: {gate: [[0.62, 0.1], [0.62, 0.95]]}
`

// pageRun starts a run with a page on these sources.
func pageRun(t *testing.T, args ...string) (p *process, dir, page string) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "sightlog.yaml")
	require.NoError(t, os.WriteFile(config, []byte(pageConfig), 0o600))
	dir = dataDir(t)
	p = start(t, sightlog, append([]string{"run", "--config", config, "--data", dir, "--web", "127.0.0.1:0"}, args...)...)
	return p, dir, pageOf(t, dir, p)
}

// pageOf waits until a directory's page is served, and returns its address.
func pageOf(t testing.TB, dir string, p *process) string {
	t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for line := range strings.SplitSeq(do(t, sightlogd, "url", "--data", dir).stdout, "\n") {
			if page, found := strings.CutPrefix(line, "web="); found {
				return page
			}
		}
		require.False(t, p.ended(), "it has ended\n%s", p.output)
	}
	require.FailNow(t, "no page is served", "%s", p.output)
	return ""
}

// tile is the selector of a camera of the Live view.
func tile(camera string) string { return fmt.Sprintf(`[data-camera="%s"]`, camera) }

// pixels is a script's expression that changes with the picture on a camera's canvas.
func pixels(camera string) string {
	return `document.querySelector('` + tile(camera) + ` canvas').toDataURL()`
}

func TestPage_Live_PictureMovesWithTheBoxesOfItsRow(t *testing.T) {
	t.Parallel()
	_, dir, page := pageRun(t, "--source", "yard=test://people?people=3&fps=10&size=640x360&frames=20000", "--source", "hall=test://people?people=1&fps=10&size=640x360&frames=20000")
	p := browser.Blank(t)
	p.Goto(page)
	for _, camera := range []string{"yard", "hall"} {
		p.Wait(`document.querySelector('` + tile(camera) + `').dataset.seq`)
	}
	p.WaitText(tile("yard")+" .badge", "playing")
	p.WaitText(tile("yard")+" .count", "3 people")

	p.Run(`void (window.first = ` + pixels("yard") + `)`)
	p.Wait(pixels("yard") + ` !== first`)

	// The boxes of a picture are the rows of its frame.
	const boxes = `JSON.stringify((d => ({run: d.run, seq: +d.seq}))(document.querySelector('[data-camera="yard"]').dataset))`
	var shown struct {
		Run string
		Seq int64
	}
	require.NoError(t, json.Unmarshal([]byte(browser.Eval[string](p, boxes)), &shown))
	parts := livePictures(t, page, "yard")
	require.Equal(t, shown.Run, parts.Run)
	require.GreaterOrEqual(t, parts.Seq, shown.Seq)
	require.NotEmpty(t, parts.Objects)
	where := fmt.Sprintf("camera = 'yard' AND run = '%s' AND seq = %d", parts.Run, parts.Seq)
	for number(t, []string{"--data", dir}, "SELECT count(*) FROM v_sightings WHERE "+where) == 0 {
		time.Sleep(20 * time.Millisecond)
	}
	stored := rows(t, []string{"--data", dir}, "SELECT x1, y1, x2, y2, track_id, label FROM v_detections WHERE "+where+" ORDER BY object_index")
	require.Len(t, parts.Objects, len(stored))
	for i, o := range parts.Objects {
		for k, name := range []string{"x1", "y1", "x2", "y2"} {
			require.InDelta(t, stored[i][name], o.Box[k], 1e-3)
		}
		require.EqualValues(t, stored[i]["track_id"], *o.TrackID)
		require.Equal(t, stored[i]["label"], o.Label)
	}

	// A part of the overlay that is switched off stays off.
	p.Click(`[data-overlay="boxes"]`)
	require.Equal(t, "false", browser.Eval[string](p, `document.querySelector('[data-overlay="boxes"]').getAttribute('aria-pressed')`))
	p.Reload()
	p.Wait(`document.querySelector('[data-overlay="boxes"]').getAttribute('aria-pressed') === 'false' && document.querySelector('` + tile("yard") + `').dataset.seq`)
	p.Click(`[data-overlay="boxes"]`)

	p.EachShape(func(name string) {
		if name != "phone" {
			p.Viewport(860, 480)
		}
		p.Wait(`document.querySelector('` + tile("yard") + ` canvas').width > 100`)
		p.Document("docs/page-live-" + name + ".png")
	})

	// By keyboard: enlarged, the next camera, back.
	p.Run(`document.querySelector('` + tile("hall") + ` button').focus()`)
	p.Press(kb.Enter)
	p.Wait(`location.hash === '#/live?camera=hall' && document.querySelector('` + tile("yard") + `').hidden`)
	p.WaitText("h1", "hall")
	p.WaitText("#said", "hall: 1 person, playing")
	p.Accessible()
	p.Press(kb.ArrowRight)
	p.WaitText("h1", "yard")
	p.Wait(`document.querySelector('` + tile("yard") + ` canvas').width > 900`)
	p.Press(kb.Escape)
	p.Wait(`location.hash === '#/live' && !document.querySelector('` + tile("hall") + `').hidden`)

	// The address of one camera can be kept.
	p.Goto(page + "#/live?camera=yard")
	p.Reload()
	p.WaitText("h1", "yard")
	p.Wait(`document.querySelector('` + tile("yard") + `').dataset.seq`)
}

func TestPage_Live_DetectGone_SaysSoAndComesBack(t *testing.T) {
	t.Parallel()
	run, _, page := pageRun(t, "--source", "yard=test://people?people=2&fps=10&size=320x240&frames=20000")
	p := browser.Blank(t)
	p.Expect(`ERR_|sightlog does not answer`) // at the end
	p.Goto(page)
	p.WaitText(tile("yard")+" .count", "2 people")
	p.Wait(`document.querySelector('` + tile("yard") + `').dataset.seq`)
	before := browser.Eval[string](p, `document.querySelector('`+tile("yard")+`').dataset.seq`)
	require.NoError(t, syscall.Kill(firstChild(run), syscall.SIGKILL))
	p.Wait(`+document.querySelector('` + tile("yard") + `').dataset.seq > ` + before + ` && document.querySelector('` + tile("yard") + ` .badge').innerText === 'playing'`)
	p.Run(`window.said = new Set(); new MutationObserver(() => said.add(document.querySelector('` + tile("yard") + ` .badge').innerText))
		.observe(document.querySelector('` + tile("yard") + `'), {subtree: true, childList: true, characterData: true})`)
	require.NoError(t, syscall.Kill(firstChild(run), syscall.SIGKILL))
	p.Wait(`said.has('restarting')`)
	p.WaitText(tile("yard")+" .badge", "playing")
	run.kill()
	p.WaitText(tile("yard")+" .badge", "no connection")
	p.WaitText(tile("yard")+" .problem", "sightlog does not answer")
	p.Accessible()
}

func TestPage_Live_DetectApart_SeenThroughServe(t *testing.T) {
	t.Parallel()
	socket, dir := filepath.Join(t.TempDir(), "live.sock"), dataDir(t)
	serve := start(t, sightlogd, "serve", "--data", dir, "--web", "127.0.0.1:0", "--live", socket)
	page := pageOf(t, dir, serve)
	broker, _ := endpoints(t, dir, serve)
	start(t, sightlog, "detect", "--brokers", broker, "--live", socket, "--source", "yard=test://people?people=2&fps=10&size=800x600&frames=20000")
	require.NotEmpty(t, livePictures(t, page, "yard").Objects)

	picture, typ := fetch(t, page+"api/v1/cameras/yard/picture.jpg?width=300", 1<<20)
	require.Equal(t, "image/jpeg", typ)
	m, err := jpeg.DecodeConfig(bytes.NewReader(picture))
	require.NoError(t, err)
	require.Equal(t, []int{320, 240}, []int{m.Width, m.Height})

	body, typ := fetch(t, page+"api/v1/cameras/yard/live.mjpeg", 200_000)
	_, params, err := mime.ParseMediaType(typ)
	require.NoError(t, err)
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for range 2 {
		part, err := parts.NextPart()
		require.NoError(t, err)
		_, err = jpeg.Decode(part)
		require.NoError(t, err)
	}

	for _, query := range []string{"width=0", "width=x", "fps=0", "fps=31", "fps=NaN"} {
		resp, err := http.Get(page + "api/v1/live?" + query)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusBadRequest, resp.StatusCode, query)
	}
}
