package alarms

import (
	"net/http"

	"github.com/sightlog/sightlog/web/answer"
	"github.com/sightlog/sightlog/web/route"
)

// Test is the answer to a test.
type Test struct {
	Receivers []Tested `json:"receivers"`
}

// testRoute sends a test. It is an admin's: each one disturbs somebody.
func testRoute(c Config) route.Route {
	name := route.Param{Name: "rule", Type: "", Required: true, MaxLength: 64, Help: "The rule, by its name in the configuration."}
	doc := route.Doc{
		Summary: "Send a test to the receivers of a rule", Params: []route.Param{name},
		Help: "Each gets it once, past the tables, also in its quiet time.",
		Answers: []route.Answer{
			{Status: http.StatusOK, Type: Test{}}, {Status: http.StatusNotFound, Help: "The configuration has no such rule."},
			{Status: http.StatusUnprocessableEntity, Help: "The rule has no receiver."},
		},
	}
	return route.Route{
		Pattern: "POST /api/v1/alarms/{rule}/test", Role: route.Admin, Doc: &doc,
		Handler: answer.Checked(doc.Params, func(w http.ResponseWriter, r *http.Request, v answer.Values) error {
			all, err := c.Test(r.Context(), v.Text("rule"))
			if err != nil {
				return err
			}
			return answer.JSON(w, r, Test{all})
		}),
	}
}
