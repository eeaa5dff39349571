package history_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/browser"
	"github.com/sightlog/sightlog/query"
)

// Where a past was counted again, the page says which counting it shows, and shows the other when it
// is chosen, also by a link.
func TestViews_Recount_SaidAndChosen(t *testing.T) {
	t.Parallel()
	pool := shop(t)
	for _, sql := range []string{
		"INSERT INTO recounts (schema, since, until, finished_at) VALUES ('again', '2026-05-01', '2026-05-30', now())", "CREATE SCHEMA again",
		"INSERT INTO definitions (recount_id, camera_id, kind, name, points) VALUES (1, 1, 'line', 'kerb', '{0,0,1,1}')",
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	for _, table := range []string{"crossings", "crossing_minutes", "crossing_half_hours", "zone_minutes", "visits"} {
		_, err := pool.Exec(t.Context(), "CREATE TABLE again."+table+" (LIKE "+table+" INCLUDING ALL)")
		require.NoError(t, err)
	}
	for _, table := range []string{"crossing_minutes", "crossing_half_hours"} {
		_, err := pool.Exec(t.Context(), "INSERT INTO again."+table+` SELECT (jsonb_populate_record(m, '{"line": "kerb", "crossings": 3}')).* FROM `+table+" m")
		require.NoError(t, err)
	}
	p := browser.Open(t, serve(t, pool)+"/#/today?day=2026-05-29&tz=Europe/Berlin")
	p.WaitText("main", "entrance (door)")
	p.WaitText("main", "Zones and lines as they were counted at the time.")
	p.Run(`(s => { s.value = '1'; s.dispatchEvent(new Event('change')) })(document.getElementById('by-recount'))`)
	p.WaitText("main", "Zones and lines as recount 1 counted them, door")
	p.WaitText("main", "kerb")
	require.NotContains(t, p.Text("main"), "entrance (door)")
	require.Contains(t, browser.Eval[string](p, "location.hash"), "recount=1")
	p.Accessible()

	p.Goto(serve(t, pool) + "/#/timeline?since=2026-05-29T00:00:00Z&until=2026-05-30T00:00:00Z&recount=1")
	p.WaitText("#counted", "as recount 1 counted them")
	p.Accessible()

	status, body := asker(t)("recounts")
	require.Equal(t, 200, status)
	var none []query.Recount
	require.NoError(t, json.Unmarshal([]byte(body), &none))
	require.Empty(t, none)
}
