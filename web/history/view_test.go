package history_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/browser"
	"github.com/sightlog/sightlog/query"
)

// documented are the pictures that docs/page.md shows.
var documented = []string{"today-light", "today-phone", "timeline-dark", "path-light", "heat-light"}

// shots writes pictures of the page to look at, if the environment says where.
func shots(t *testing.T, p *browser.Page, name string) {
	t.Helper()
	p.EachShape(func(shape string) {
		if slices.Contains(documented, name+"-"+shape) {
			p.Document("docs/page-" + name + "-" + shape + ".png")
		}
		if dir := os.Getenv("SIGHTLOG_PAGES"); dir != "" {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name+"-"+shape+".png"), p.Picture(), 0o600))
		}
	})
}

func day(t *testing.T, pool *pgxpool.Pool, f query.Filter) *query.Day {
	t.Helper()
	d, err := query.DayOf(t.Context(), pool, f, "2026-05-29", time.Now())
	require.NoError(t, err)
	return d
}

func TestToday_PastDay_NumbersOfTheDatabase(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	p := browser.Open(t, serve(t, pool)+"/#/today?day=2026-05-29&tz=Europe/Berlin")
	p.WaitText("h1", "Friday, 29 May 2026")
	d := day(t, pool, query.Filter{TZ: "Europe/Berlin"})
	require.Positive(t, d.In.N)
	p.WaitText(".stats", fmt.Sprint(d.In.N))
	require.Equal(t, 3, d.In.Usual.Days, "the 15th was watched for less")
	require.Contains(t, p.Text(".stats"), fmt.Sprintf("usually %d–%d on Fridays", d.In.Usual.Low, d.In.Usual.High))
	require.Contains(t, p.Text(".stats"), fmt.Sprintf("People seen\n%d\n", d.People.N))
	require.Contains(t, p.Text("main"), "Compared with 3 of the last 4 Fridays")
	shots(t, p, "today")

	p.Run(`document.getElementById('by-camera').value = 'yard', document.getElementById('by-camera').dispatchEvent(new Event('change'))`)
	p.WaitText("main", "Nobody was seen on Friday, 29 May 2026; watched")
	require.Contains(t, browser.Eval[string](p, "location.hash"), "camera=yard")
	p.Accessible()
	p.Run("history.back()")
	p.WaitText(".stats", fmt.Sprint(d.In.N))
	p.Click(`button[aria-label="The day before"]`)
	p.WaitText("main", "Nobody watched on Thursday, 28 May 2026.")
}

func TestToday_UnknownCamera_SaidInWords(t *testing.T) {
	t.Parallel()
	p := browser.Blank(t)
	p.Expect("404|400")
	p.Goto(serve(t, shop(t)) + "/#/today?camera=kitchen")
	p.WaitText("main", "kitchen")
	p.WaitText("#alerts", "is not in the database")
}

func TestTimeline_Keys_BucketTrackPathAndDeepLink(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	url := serve(t, pool)
	p := browser.Open(t, url+"/#/timeline?since=2026-05-29T00:00:00Z&until=2026-05-30T00:00:00Z&tz=Europe/Berlin")
	lane := `[data-camera="door"]`
	p.Wait(`document.querySelector('` + lane + ` .people').getAttribute('d').length > 100`)
	p.Wait(`document.querySelector('` + lane + ` .gap').getAttribute('d').length > 10`)
	p.Run(`document.querySelector('` + lane + `').focus()`)
	p.Press(kb.Home)
	for range 12 * 7 { // to 9:00
		p.Press(kb.ArrowRight)
	}
	text := `document.querySelector('` + lane + `').ariaValueText`
	p.Wait(text + `.includes('Fri 29 May, 09:00: ') || ` + text + `.includes('Fri, 29 May, 09:00: ')`)
	line, err := query.TimelineOf(t.Context(), pool, query.Filter{Since: time.Date(2026, 5, 29, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 5, 30, 0, 0, 0, 0, time.UTC), Camera: "door"})
	require.NoError(t, err)
	require.Contains(t, browser.Eval[string](p, text), fmt.Sprintf("%.1f people on average, %d at most", *line.Cameras[0].Average[84], *line.Cameras[0].Most[84]))
	p.Press(kb.Enter)
	p.Wait(`document.querySelectorAll('.tracks button').length > 0`)
	list, err := query.TracksOf(t.Context(), pool, query.Filter{Camera: "door", Since: line.At[84], Until: line.At[85]}, query.Part{Limit: 200})
	require.NoError(t, err)
	require.Equal(t, len(list.Tracks), browser.Eval[int](p, `document.querySelectorAll('.tracks button').length`))
	shots(t, p, "timeline")
	p.Click(".tracks button")
	p.WaitText(".path h2", fmt.Sprintf("person %d at door", list.Tracks[0].Track))
	path, err := query.PathOf(t.Context(), pool, query.Filter{Run: "run-door"}, list.Tracks[0].Track)
	require.NoError(t, err)
	drawn := browser.Eval[string](p, `document.querySelector('.way').getAttribute('d')`)
	require.Contains(t, drawn, fmt.Sprintf("M%.1f %.1f", path.Points[0].X*1600, path.Points[0].Y*900))
	require.Equal(t, len(path.Points)-1, strings.Count(drawn, "L"))
	p.WaitText(".events", "in till for")
	shots(t, p, "path")

	link := browser.Eval[string](p, "location.href")
	q := browser.Open(t, link)
	q.WaitText(".path h2", fmt.Sprintf("person %d at door", list.Tracks[0].Track))
	q.Wait(`document.querySelectorAll('.tracks button').length === ` + fmt.Sprint(len(list.Tracks)))
	q.Click(`.path button[aria-label="Close the track"]`)
	q.Wait(`!document.querySelector('.path')`)
	q.Click(`button[aria-label="Zoom in"]`)
	q.Wait(`location.hash.includes('since=2026-05-29T06')`)
	q.Run(`document.querySelector('.marks').dispatchEvent(new WheelEvent('wheel', {deltaY: 100, bubbles: true, cancelable: true, clientX: 0}))`)
	q.Wait(`!location.hash.includes('until=2026-05-29T18%3A00%3A00Z')`)
	q.Click(`button[aria-label="Earlier"]`)
	q.Wait(`document.querySelector('[aria-busy]').ariaBusy === 'false'`)
}

func TestHeat_Camera_CellsOfTheDatabase(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	p := browser.Open(t, serve(t, pool)+"/#/heat?camera=door&since=2026-05-29T06:00:00Z&until=2026-05-29T10:00:00Z&tz=Europe/Berlin")
	h, err := query.HeatOf(t.Context(), pool, query.Filter{Camera: "door", Class: "person", Grid: 48, Since: time.Date(2026, 5, 29, 6, 0, 0, 0, time.UTC), Until: time.Date(2026, 5, 29, 10, 0, 0, 0, time.UTC)})
	require.NoError(t, err)
	require.Positive(t, h.N)
	p.WaitText("figcaption", fmt.Sprintf("; %d in all.", h.N))
	require.Equal(t, len(h.Cells), browser.Eval[int](p, `(() => { const c = document.querySelector('canvas'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n })()`))
	require.Contains(t, browser.Eval[string](p, `document.querySelector(".view-heat svg.legend").textContent`), fmt.Sprint(h.Most))
	shots(t, p, "heat")
	p.Click("#scale")
	p.Wait(`location.hash.includes('scale=log')`)
	p.Goto(strings.Replace(browser.Eval[string](p, "location.href"), "camera=door", "camera=yard", 1))
	p.WaitText("main", "Nobody was seen. yard")
	p.Accessible()
}
