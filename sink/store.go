package sink

import "github.com/sightlog/sightlog/event"

// Store is which sightings become rows. The totals count all of them.
type Store string

// The choices of Store.
const (
	StoreAll    Store = "all"    // also ""
	StorePeople Store = "people" // those with detections
	StoreTracks Store = "tracks" // none: the totals, tracks, visits and crossings remain
)

// has reports whether a sighting becomes a row.
func (s Store) has(g *event.Sighting) bool {
	switch s {
	case StorePeople:
		return len(g.Objects) > 0
	case StoreTracks:
		return false
	}
	return true
}

// markCamera returns the statement that records, before sightings of camera $1 are
// counted, whether all of them become rows (cameras.complete_from). After a change back
// to StoreAll those from before the change stay incomplete.
func (s Store) markCamera() string {
	switch s {
	case StorePeople, StoreTracks:
		return "UPDATE cameras SET complete_from = 'infinity' WHERE id = $1 AND complete_from <> 'infinity'"
	}
	return `UPDATE cameras SET complete_from = greatest(now(), (SELECT captured_at + interval '1 us' FROM latest_sightings WHERE camera_id = $1))
		WHERE id = $1 AND complete_from = 'infinity'`
}
