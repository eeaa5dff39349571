package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"github.com/klauspost/compress/gzhttp"

	"github.com/sightlog/sightlog/web/answer"
	"github.com/sightlog/sightlog/web/problem"
	"github.com/sightlog/sightlog/web/route"
)

// Assemble returns the routes of the site: those given, of which the ones of the API are
// compressed where it pays and log their errors, and the description of these. A route of the
// API without a description is an error.
//
// others are described with them: those that the server has itself.
func Assemble(routes, others []route.Route, version string, log *slog.Logger) ([]route.Route, error) {
	own := route.Route{Pattern: "GET " + Prefix + "openapi.json", Role: route.Reader, Doc: &route.Doc{
		Summary: "The description of this API.", Answers: []route.Answer{{Status: http.StatusOK, Type: map[string]any{}}},
	}}
	description, err := Describe(slices.Concat(routes, others, []route.Route{own}), version)
	if err != nil {
		return nil, err
	}
	own.Handler = answer.Checked(nil, func(w http.ResponseWriter, r *http.Request, _ answer.Values) error {
		answer.Body(w, r, "application/json", description)
		return nil
	})
	wrap, err := gzhttp.NewWrapper(gzhttp.ContentTypes([]string{"application/json", "text/csv", problem.ContentType}))
	if err != nil {
		return nil, fmt.Errorf("compression of the API: %w", err)
	}
	all := make([]route.Route, 0, len(routes)+1)
	for _, r := range append(routes, own) {
		if isAPI(r) {
			r.Handler = answer.Logged(r.Handler, log)
			if !r.Stream {
				r.Handler = wrap(r.Handler)
			}
		}
		all = append(all, r)
	}
	return all, nil
}
