package cli

import (
	"maps"

	"github.com/sightlog/sightlog/internal/natural"
	"github.com/sightlog/sightlog/pipeline"
)

// alarmsOfConfig are the alarms of a process that does not know the sources: the cameras are those
// of the configuration, if it has any, and else those in the tables.
func (e *Env) alarmsOfConfig() pipeline.Alarms {
	a := e.Alarms
	if len(e.Cameras) > 0 {
		a.Cameras = natural.Sorted(maps.Keys(e.Cameras))
	}
	return a
}

// ruleNames are the names of the rules of the configuration.
func (e *Env) ruleNames() (names []string) {
	for i := range e.Alarms.Rules {
		names = append(names, e.Alarms.Rules[i].Name)
	}
	return names
}
