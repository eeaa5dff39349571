package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/browser"
)

const historyConfig = `cameras:
  yard:
    zones: {door: [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}
    lines: {gate: [[0.5, 0], [0.5, 1]]}
`

// What the page shows of a run that has ended is what the database has.
func TestPage_History_NumbersOfARun(t *testing.T) {
	t.Parallel()
	config, dir := filepath.Join(t.TempDir(), "sightlog.yaml"), dataDir(t)
	require.NoError(t, os.WriteFile(config, []byte(historyConfig), 0o600))
	ok(t, sightlog, "run", "--config", config, "--data", dir, "--web", "off", "--pace", "fast", "--source", "yard=test://people?people=3&fps=5&size=640x360&frames=300")
	p := start(t, sightlogd, "serve", "--data", dir, "--web", "127.0.0.1:0")
	url := pageOf(t, dir, p)
	from := []string{"--data", dir}
	text := func(sql string) string { return fmt.Sprint(rows(t, from, sql)[0]["v"]) }

	day := text("select min(minute at time zone 'UTC')::date::text as v from camera_minutes")
	in := number(t, from, "select coalesce(sum(crossings), 0)::int from crossing_minutes where direction = 'in' and minute < '"+day+"'::date + 1 and label = 'person'")
	tracks := number(t, from, "select count(*)::int from v_tracks where not thing and label = 'person' and first_at < '"+day+"'::date + 1")
	require.Positive(t, tracks)
	page := browser.Open(t, url+"#/today?tz=UTC&day="+day)
	page.WaitText(".stats", fmt.Sprintf("People seen\n%d\n", tracks))
	if number(t, from, "select count(*)::int from crossing_minutes") > 0 {
		require.Contains(t, page.Text(".stats"), fmt.Sprintf("In\n%d\n", in))
	}
	require.Contains(t, page.Text("main"), "door")
	page.Accessible()

	// A bucket of the timeline, one of its tracks, and the path over the picture's ground.
	page.Goto(url + "#/timeline?tz=UTC&since=" + text(`select to_char(min(minute) at time zone 'UTC' - interval '10 min', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as v from camera_minutes`) +
		"&until=" + text(`select to_char(max(minute) at time zone 'UTC' + interval '10 min', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as v from camera_minutes`))
	page.Wait(`document.querySelector('[data-camera="yard"]')`)
	page.Run(`document.querySelector('[data-camera="yard"]').focus()`)
	page.Press(kb.Home)
	page.Wait(`document.querySelector('[data-camera="yard"]').ariaValueText.includes('the camera had no frame yet')`)
	page.Wait(`document.querySelector('[data-camera="yard"] path.gap').getAttribute('d').startsWith('M0.0 ')`)
	page.Press(strings.Repeat(kb.ArrowRight, 10)) // the first minute with a frame
	first := number(t, from, "select frames from camera_minutes order by minute limit 1")
	require.Positive(t, first)
	page.Wait(`document.querySelector('[data-camera="yard"]').ariaValueText.includes('people on average')`)
	page.Press(kb.Enter)
	began := number(t, from, "select count(*)::int from v_tracks where not thing and date_trunc('minute', first_at) = (select min(minute) from camera_minutes)")
	require.Positive(t, began)
	page.Wait(fmt.Sprintf(`document.querySelectorAll('.tracks button').length === %d`, min(began, 24)))
	page.Click(".tracks button")
	page.WaitText(".path h2", "at yard")
	track := strings.Fields(page.Text(".path h2"))[1]
	require.Contains(t, page.Text(".facts"), "Frames\n"+text("select frames as v from v_tracks where track_id = "+track))
	page.Run(`void scrollTo(0, 0)`) // else the bar covers a part of a field
	page.EachShape(func(string) {})

	heat := number(t, from, "select count(*)::int from v_detections where label = 'person' and state is distinct from 'thing'")
	page.Goto(url + "#/heat?tz=UTC&camera=yard&since=" + text(`select to_char(min(minute) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as v from camera_minutes`))
	page.WaitText("figcaption", fmt.Sprintf("%d in all", heat))
	page.Accessible()
	p.stop(t)
}
