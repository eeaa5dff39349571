package cli

import (
	"log/slog"
	"maps"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/pipeline"
	websettings "github.com/sightlog/sightlog/web/settings"
)

// settingsOf is what the page's settings work on. present is the run; nil where detect runs
// apart.
func settingsOf(env *Env, services *pipeline.Services, present *pipeline.Present, tracked bool, log *slog.Logger) *websettings.Config {
	c := &websettings.Config{
		File: env.Common.Config, Tracked: tracked, Pool: services.Pool, Log: log, Store: services.StoreFile,
		InUse: func() map[string]config.CameraSettings { return env.Cameras },
	}
	if present == nil {
		return c
	}
	c.InUse = present.Settings
	c.Sources = func() (ids []string) {
		for _, camera := range present.Status().Cameras {
			ids = append(ids, camera.ID)
		}
		return ids
	}
	c.Change = func(camera string, shapes config.Shapes, names config.Renames) {
		all := maps.Clone(present.Settings())
		if all == nil {
			all = make(map[string]config.CameraSettings)
		}
		all[camera] = all[camera].Renamed(names).With(shapes)
		present.Change(all)
	}
	return c
}
