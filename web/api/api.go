package api

import (
	"net/http"

	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/web/answer"
	"github.com/sightlog/sightlog/web/route"
)

// Config configures Routes.
type Config struct {
	DB      *answer.Database
	Cameras CamerasConfig
}

// Routes returns the routes of the reports and the cameras.
func Routes(cfg Config) []route.Route {
	routes := []route.Route{listRoute(), camerasRoute(cfg.DB, cfg.Cameras)}
	for _, r := range query.Reports {
		routes = append(routes, reportRoute(cfg.DB, r))
	}
	return routes
}

// report is one report of the list.
type report struct {
	Name       string   `json:"name"`
	Path       string   `json:"path"`
	Help       string   `json:"help"`
	Details    string   `json:"details"`
	Columns    []string `json:"columns"`
	Parameters []string `json:"parameters"`
}

// listRoute is the route of the list of reports.
func listRoute() route.Route {
	all := make([]report, 0, len(query.Reports))
	for _, r := range query.Reports {
		entry := report{Name: r.Name, Path: Prefix + "reports/" + r.Name, Help: r.Help, Details: r.Details, Columns: r.Columns}
		for _, p := range paramsOf(r) {
			entry.Parameters = append(entry.Parameters, p.Name)
		}
		all = append(all, entry)
	}
	doc := route.Doc{
		Summary: "The reports, with their columns and parameters.",
		Help:    "They are those of the command `sightlog query`. The column of a bucket is named minute, hour or day, as the parameter bucket says.",
		Answers: []route.Answer{{Type: []report{}}},
	}
	return answer.Get("GET "+Prefix+"reports", doc, func(*http.Request, answer.Values) (any, error) { return all, nil })
}
