package history_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/browser"
)

// The clock of a viewer may be off: what is recorded has the server's times, and the views go by these.
func TestViews_ViewersClockIsOff_TimesOfTheServer(t *testing.T) {
	t.Parallel()
	page := serve(t, shop(t))
	p := browser.Open(t, page+"/#/heat?camera=door")
	p.WaitText("h1", "Heat map")
	p.Run(`void (Date.now = (real => () => real.call(Date) - 26 * 36e5)(Date.now))`)
	p.Goto(page + "/#/today?tz=UTC")
	p.WaitText("main", "Nobody watched on")
	p.Goto(page + "/#/timeline?tz=UTC")
	p.WaitText("h1", "Timeline")
	p.Click(`button[aria-label="Earlier"]`)
	p.Click(`button[aria-label="Later"]`)
	p.Wait(`Math.abs(Date.parse(new URLSearchParams(location.hash.split('?')[1]).get('until')) - Date.now() - 26 * 36e5) < 3e5`)
	p.Goto(page + "/#/today?tz=UTC")
	p.Wait(`document.getElementById('day')`)
	require.NotEqual(t, browser.Eval[string](p, `new Date(Date.now()).toISOString().slice(0, 10)`), browser.Eval[string](p, `document.getElementById('day').value`))
}
