package pipeline_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/usage"
)

func TestStorePlaces_OfTheConfiguration_StoredOrRefusedByTheDatabase(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	store := func(places map[string]config.Place) error { return pipeline.StorePlaces(t.Context(), pool, places) }
	shop := config.Place{Lines: []string{"door/a/b"}, Reversed: []string{"yard/gate"},
		Counting: config.Counting{Reset: 5*time.Hour + 30*time.Minute, TZ: "Europe/Berlin", Class: "car", Capacity: 7}}
	require.NoError(t, store(map[string]config.Place{"shop": shop}))
	stored := func() []string {
		return pgtest.Lines(t, pool, "SELECT concat_ws(' ', name, reset_at, tz, label, capacity, camera, line, reversed) FROM places LEFT JOIN place_lines ON place_id = id ORDER BY camera")
	}
	want := []string{"shop 05:30:00 Europe/Berlin car 7 door a/b f", "shop 05:30:00 Europe/Berlin car 7 yard gate t"}
	require.Equal(t, want, stored())

	shop.TZ = "Mars/Olympus"
	err := store(map[string]config.Place{"shop": shop})
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, `place shop: the database does not know the time zone "Mars/Olympus"`)
	require.NoError(t, store(nil))
	require.Equal(t, want, stored(), "a configuration without places changes none")
	require.NoError(t, store(map[string]config.Place{}))
	require.Empty(t, stored())
}
