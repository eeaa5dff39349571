package full

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/usage"
)

// doubts returns, a line each, why rules of alarms would never come true by the cameras of this
// run. Another process may read the camera, so they are no errors.
func doubts(rules []rule.Rule, cameras []string, settings map[string]config.CameraSettings, d config.Detect) (lines []string) {
	for i := range rules {
		if why := doubt(&rules[i], cameras, settings, d); why != "" {
			lines = append(lines, fmt.Sprintf("alarm %s: %s", rules[i].Name, why))
		}
	}
	return lines
}

func doubt(r *rule.Rule, cameras []string, settings map[string]config.CameraSettings, d config.Detect) string {
	has := func(names ...string) string { return strings.Join(names, ", ") }
	_, set := settings[r.Camera]
	switch {
	case r.Camera == "": // a place
		return ""
	case !slices.Contains(cameras, r.Camera):
		why := fmt.Sprintf("no source is named %q", r.Camera)
		if near := usage.Nearest(r.Camera, cameras); near != "" {
			return why + fmt.Sprintf("; did you mean %q?", near)
		}
		return why + "; there is " + has(cameras...)
	case !set && r.Zone != "":
		return fmt.Sprintf("camera %s has no zones", r.Camera)
	case !set && r.Line != "":
		return fmt.Sprintf("camera %s has no lines", r.Camera)
	case r.Class != "" && !slices.ContainsFunc(d.Classes, func(c string) bool { return event.ClassName(c) == event.ClassName(r.Class) }):
		return fmt.Sprintf("%s is not among the --classes, which are %s", r.Class, has(d.Classes...))
	case d.Track == "off" && (r.Kind == rule.Crossing || r.Kind == rule.Loitering):
		return "it needs tracks, and --track is off"
	}
	return ""
}
