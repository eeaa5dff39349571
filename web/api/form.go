package api

import (
	"net/http"
	"strings"

	"github.com/munnerz/goautoneg"

	"github.com/sightlog/sightlog/web/answer"
	"github.com/sightlog/sightlog/web/route"
)

// The media types of a report.
const (
	mediaJSON    = "application/json"
	mediaCSV     = "text/csv"
	mediaParquet = "application/vnd.apache.parquet"
)

// form is how an answer is written.
type form struct {
	media  string
	format string // of package query, and of the parameter
}

// forms are those of a report, the preferred one first.
var forms = []form{{mediaJSON, "json"}, {mediaCSV, "csv"}, {mediaParquet, "parquet"}}

var formatParam = route.Param{Name: "format", Type: "", Enum: []string{"json", "csv", "parquet"}, Help: "Instead of the header Accept."}

// negotiate returns the form that a request asks for, JSON if it does not.
func negotiate(r *http.Request, v answer.Values) (form, error) {
	if v.Has("format") {
		for _, f := range forms {
			if f.format == v.Text("format") {
				return f, nil
			}
		}
	}
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if accept == "" {
		return forms[0], nil
	}
	var offered []string
	for _, f := range forms {
		offered = append(offered, f.media)
	}
	media := goautoneg.Negotiate(accept, offered)
	for _, f := range forms {
		if f.media == media {
			return f, nil
		}
	}
	return form{}, answer.Refuse(http.StatusNotAcceptable, "none of the media types that are accepted is offered", "accept "+strings.Join(offered, ", "))
}

// name tells a browser to save what it cannot show.
func (f form) name(w http.ResponseWriter, report string) {
	if f.format != "json" {
		w.Header().Set("Content-Disposition", `attachment; filename="`+report+"."+f.format+`"`)
	}
}
