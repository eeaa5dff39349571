package settings_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
)

// named names a zone and a line of a camera wherever a file can.
const named = `cameras:
  door:
    zones: # two
      mat: [[0.4, 0.6], [0.6, 0.6], [0.6, 0.9]] # by the door
      "till": [[0, 0], [0.2, 0], [0.2, 0.2]]
    lines: {step: [[0, 0.5], [1, 0.5]]}
    loitering:
      mat: 2m # long enough
      till: 3m
    staff: {zone: mat, longer-than: 4h} # who cleans
  yard:
    zones: {mat: [[0, 0], [1, 0], [1, 1]]}
    lines: {step: [[0, 0.5], [1, 0.5]]}
places:
  shop: {lines: [yard/step, door/step]} # all
  back:
    reversed:
      - door/step # backwards
alarms:
  waits:   "person in  door/mat for 2s" # night
  other: person in yard/mat
  line: {to: [desk], when: crossing of door/step out}
  long: queue of till > 3 # a zone without its camera
receivers:
  desk: {topic: desk}
`

const namedShapes = `{"zones": {"rug": [[0.4, 0.6], [0.6, 0.6], [0.6, 0.9]], "mat": [[0, 0], [0.2, 0], [0.2, 0.2]]},
	"lines": {"gate": [[0, 0.5], [1, 0.5]]}, "masks": [], "region": null, "renamed": {"zones": {"mat": "rug", "till": "mat"}, "lines": {"step": "gate"}}}`

// A name moves with all that name it, in the same write, and no other byte changes.
func TestRoutes_ShapesRenamed_RenamedWhereverTheFileNamesThem(t *testing.T) {
	t.Parallel()
	s := newSite(t, pgtest.Open(t), named)
	_, tag, _ := s.ask("GET", "door/shapes", "", "")
	status, _, body := s.ask("PUT", "door/shapes", namedShapes, tag)
	require.Equal(t, 200, status, body)
	require.Contains(t, body, "alarms are read when sightlog starts")
	require.Contains(t, body, "line, long, waits")
	want := strings.NewReplacer(
		"      mat: [[0.4", "      rug: [[0.4", `      "till": [[0`, "      mat: [[0",
		"      mat: 2m", "      rug: 2m", "      till: 3m", "      mat: 3m", "{zone: mat,", "{zone: rug,",
		"lines: {step: [[0, 0.5], [1, 0.5]]}\n    loit", "lines: {gate: [[0, 0.5], [1, 0.5]]}\n    loit", "yard/step, door/step", `yard/step, "door/gate"`, "- door/step", `- "door/gate"`,
		`"person in  door/mat for 2s"`, `"person in  door/rug for 2s"`,
		"when: crossing of door/step out", `when: "crossing of door/gate out"`, "queue of till > 3", `"queue of door/mat > 3"`,
	).Replace(named)
	require.Equal(t, want, s.text())
	used := s.config.InUse()["door"]
	require.Equal(t, map[string]time.Duration{"rug": 2 * time.Minute, "mat": 3 * time.Minute}, used.Loitering)
	require.Equal(t, "rug", used.Staff.Zone)
	require.Contains(t, used.Lines, "gate")
	require.Contains(t, s.config.InUse()["yard"].Zones, "mat", "of another camera")
}

func TestRoutes_RenamesThatCannotBe_RefusedInWordsAndNothingWritten(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	shared := strings.NewReplacer("zones: # two", "zones: &shared # two", "{mat: [[0, 0], [1, 0], [1, 1]]}", "*shared", "queue of till", "queue of door/till").Replace(named)
	spaced := strings.NewReplacer(`"rug": [`, `"red rug": [`, `"mat": "rug"`, `"mat": "red rug"`).Replace(namedShapes)
	for name, c := range map[string]struct {
		file, body string
		status     int
		says       string
	}{
		"none of that name": {named, strings.Replace(namedShapes, `"mat": "rug"`, `"rag": "rug"`, 1), 422, `zone "rag" cannot become "rug"`},
		"not in the body":   {named, strings.Replace(namedShapes, `"mat": "rug"`, `"mat": "rag"`, 1), 422, `zone "mat" cannot become "rag"`},
		"two to one":        {named, strings.Replace(namedShapes, `"till": "mat"`, `"till": "rug"`, 1), 422, `cannot become "rug"`},
		"a space in a rule": {named, spaced, 422, `alarm waits: "person in door/mat for 2s": it cannot have the name "red rug", which has spaces`},
		"a shared table":    {shared, namedShapes, 409, "camera door: zones: it is written in a way that has to be edited by hand"},
	} {
		s := newSite(t, pool, c.file)
		_, tag, _ := s.ask("GET", "door/shapes", "", "")
		status, _, answer := s.ask("PUT", "door/shapes", c.body, tag)
		require.Equal(t, c.status, status, "%s: %s", name, answer)
		require.Contains(t, strings.ReplaceAll(answer, `\"`, `"`), c.says, name)
		require.Equal(t, c.file, s.text(), name)
	}
}
