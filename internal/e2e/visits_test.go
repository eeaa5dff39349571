package e2e_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/testenv"
)

// requireVisitsOfTables checks that the topic of visits says what the view v_visits does of
// the runs that have ended: the beginnings and ends of its rows, each once, and those that
// are loitering.
func requireVisitsOfTables(t testing.TB, broker, dir string, threshold float64) {
	t.Helper()
	from := []string{"--data", dir}
	finished := make(map[string]bool)
	for _, r := range rows(t, from, "select run from runs where finished_at is not null") {
		finished[r["run"].(string)] = true
	}
	var begun, ended, loitering []string
	for _, v := range topicVisits(t, broker) {
		if !finished[v.Run] {
			continue
		}
		stay := fmt.Sprint(v.Run, " ", v.TrackID, " ", v.Zone, " ", v.Label, " ", v.EnteredAt.UnixMicro())
		switch v.Kind {
		case event.Entered:
			begun = append(begun, stay)
		case event.Left:
			ended = append(ended, fmt.Sprint(stay, " ", v.LeftAt.UnixMicro()))
		case event.Loitering:
			require.Equal(t, threshold, v.ThresholdS)
			loitering = append(loitering, stay)
		}
	}
	var rowsBegun, rowsEnded, rowsLoitering []string
	for _, r := range rows(t, from, `select run, track_id, zone, label, extract(epoch from dwell)::float8 as dwell,
		(extract(epoch from entered_at) * 1000000)::bigint as entered, (extract(epoch from left_at) * 1000000)::bigint as left
		from v_visits where run in (select run from runs where finished_at is not null)`) {
		b, err := json.Marshal(r)
		require.NoError(t, err)
		var row struct {
			Run, Zone, Label string
			TrackID          int64 `json:"track_id"`
			Dwell            float64
			Entered, Left    int64
		}
		require.NoError(t, json.Unmarshal(b, &row))
		stay := fmt.Sprint(row.Run, " ", row.TrackID, " ", row.Zone, " ", row.Label, " ", row.Entered)
		rowsBegun, rowsEnded = append(rowsBegun, stay), append(rowsEnded, fmt.Sprint(stay, " ", row.Left))
		if threshold > 0 && row.Dwell >= threshold {
			rowsLoitering = append(rowsLoitering, stay)
		}
	}
	for _, all := range [][]string{begun, ended, loitering, rowsBegun, rowsEnded, rowsLoitering} {
		slices.Sort(all)
	}
	require.NotEmpty(t, rowsBegun)
	require.Equal(t, threshold > 0, len(rowsLoitering) > 0)
	require.Equal(t, rowsBegun, begun)
	require.Equal(t, rowsEnded, ended)
	require.Equal(t, rowsLoitering, loitering)
}

// topicVisits reads the topic of visits, which has each event once.
func topicVisits(t testing.TB, broker string) (all []*event.Visit) {
	t.Helper()
	program, err := exec.LookPath("kcat")
	if err != nil {
		testenv.Skip(t, "kcat is not installed")
	}
	ids := make(map[string]bool)
	for line := range strings.SplitSeq(strings.TrimSpace(ok(t, program, "-b", broker, "-t", "visits", "-C", "-e", "-q")), "\n") {
		v, err := event.DecodeVisit([]byte(line))
		require.NoError(t, err)
		require.False(t, ids[v.EventID], v.EventID)
		ids[v.EventID] = true
		all = append(all, v)
	}
	return all
}
