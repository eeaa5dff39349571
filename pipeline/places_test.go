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

func TestStoreStaff_OfTheConfiguration_RulesOfItsCameras(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	staff := &config.Staff{Zone: "till", LongerThan: 4 * time.Hour, TZ: "Europe/Berlin", Schedule: []config.Weekly{
		{Days: []int{1, 2}, Starts: 6 * time.Hour, Lasts: 90 * time.Minute}, {Days: []int{7}, Lasts: 24 * time.Hour}}}
	require.NoError(t, pipeline.StoreStaff(t.Context(), pool, map[string]config.CameraSettings{"door": {Staff: staff}, "yard": {}}))
	stored := func() []string {
		return pgtest.Lines(t, pool, "SELECT concat_ws(' ', camera, rule, zone, longer_than, days, starts, lasts, tz) FROM staff_rules ORDER BY id")
	}
	want := []string{"door zone till", "door longer_than 04:00:00", "door schedule {1,2} 06:00:00 01:30:00 Europe/Berlin", "door schedule {7} 00:00:00 24:00:00 Europe/Berlin"}
	require.Equal(t, want, stored())
	require.NoError(t, pipeline.StoreStaff(t.Context(), pool, map[string]config.CameraSettings{"yard": {}}))
	require.NoError(t, pipeline.StoreStaff(t.Context(), pool, nil))
	require.Equal(t, want, stored(), "cameras that are not named keep theirs")
	require.NoError(t, pipeline.StoreStaff(t.Context(), pool, map[string]config.CameraSettings{"door": {}}))
	require.Empty(t, stored())
}
