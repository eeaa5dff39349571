package pipeline_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/usage"
)

func TestShapesOf_Loitering_OfItsZones(t *testing.T) {
	t.Parallel()
	corner := []config.Point{{0, 0}, {.5, 0}, {.5, 1}}
	settings := func(loitering map[string]time.Duration) config.CameraSettings {
		return config.CameraSettings{Zones: map[string][]config.Point{"door": corner, "till": corner}, Loitering: loitering}
	}
	for name, c := range map[string]struct {
		loitering  map[string]time.Duration
		door, till time.Duration
	}{
		"none":        {nil, 0, 0},
		"of all":      {map[string]time.Duration{"": time.Minute}, time.Minute, time.Minute},
		"of one":      {map[string]time.Duration{"till": time.Hour}, 0, time.Hour},
		"one differs": {map[string]time.Duration{"": time.Minute, "till": time.Hour}, time.Minute, time.Hour},
	} {
		o, err := pipeline.ShapesOf("yard", settings(c.loitering), true)
		require.NoError(t, err, name)
		require.Equal(t, c.door, o.Zones[0].Loitering, name)
		require.Equal(t, c.till, o.Zones[1].Loitering, name)
		require.Equal(t, c.till.Seconds(), o.Shapes()[1].LoiteringS, name)
	}

	for says, c := range map[string]struct {
		settings config.CameraSettings
		tracked  bool
	}{
		`camera yard: loitering: there is no zone "tll"; its zones are door, till`: {settings(map[string]time.Duration{"tll": time.Minute}), true},
		"camera yard: loitering is of zones, and it has none":                      {config.CameraSettings{Loitering: map[string]time.Duration{"": time.Minute}}, true},
		"known only of people who are tracked; take out --track off, or loitering": {settings(map[string]time.Duration{"": time.Minute}), false},
	} {
		_, err := pipeline.ShapesOf("yard", c.settings, c.tracked)
		require.ErrorContains(t, err, says)
		require.True(t, usage.Is(err))
	}
}
