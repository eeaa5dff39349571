package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/web/problem"
	"github.com/sightlog/sightlog/web/route"
)

// The parts of an OpenAPI 3.1 document that a description has.
type (
	document struct {
		OpenAPI    string                          `json:"openapi"`
		Info       map[string]string               `json:"info"`
		Paths      map[string]map[string]operation `json:"paths"`
		Components components                      `json:"components"`
	}
	operation struct {
		ID          string              `json:"operationId"`
		Tags        []string            `json:"tags"`
		Summary     string              `json:"summary"`
		Description string              `json:"description,omitempty"`
		Parameters  []parameter         `json:"parameters,omitempty"`
		RequestBody *content            `json:"requestBody,omitempty"`
		Responses   map[string]response `json:"responses"`
		Role        string              `json:"x-role"` // who may use it: public, reader or admin
	}
	parameter struct {
		Name        string             `json:"name"`
		In          string             `json:"in"`
		Description string             `json:"description,omitempty"`
		Required    bool               `json:"required,omitempty"`
		Schema      *jsonschema.Schema `json:"schema"`
	}
	content struct {
		Required bool             `json:"required,omitempty"`
		Content  map[string]media `json:"content"`
	}
	media struct {
		Schema any `json:"schema,omitempty"`
	}
	response struct {
		Description string            `json:"description"`
		Headers     map[string]header `json:"headers,omitempty"`
		Content     map[string]media  `json:"content,omitempty"`
	}
	header struct {
		Description string             `json:"description"`
		Schema      *jsonschema.Schema `json:"schema"`
	}
	components struct {
		Schemas map[string]*jsonschema.Schema `json:"schemas"`
	}
	reference struct {
		Ref string `json:"$ref"`
	}
)

// common are the problems that every route may answer with.
var common = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests,
	http.StatusInternalServerError, http.StatusServiceUnavailable,
}

// Describe returns the OpenAPI 3.1 document of the routes that belong to the API. One without
// a description is an error.
func Describe(routes []route.Route, version string) ([]byte, error) {
	problems, err := schemaOf(problem.Problem{})
	if err != nil {
		return nil, err
	}
	d := document{
		OpenAPI: "3.1.0",
		Info: map[string]string{
			"title": "sightlog", "version": version,
			"description": "What the cameras see: reports, events, pictures and settings. Errors are problem details (RFC 9457).",
		},
		Paths:      make(map[string]map[string]operation),
		Components: components{Schemas: map[string]*jsonschema.Schema{"Problem": problems}},
	}
	for _, r := range routes {
		if !isAPI(r) {
			continue
		}
		method, path, _ := strings.Cut(r.Pattern, " ")
		o, err := operationOf(r, method, path)
		if err != nil {
			return nil, fmt.Errorf("describe route %s: %w", r.Pattern, err)
		}
		path = rest.ReplaceAllString(path, "}")
		if d.Paths[path] == nil {
			d.Paths[path] = make(map[string]operation)
		}
		d.Paths[path][strings.ToLower(method)] = o
	}
	return json.MarshalIndent(d, "", " ")
}

var (
	rest   = regexp.MustCompile(`\.\.\.\}`)
	inPath = regexp.MustCompile(`\{([a-z_-]+)(\.\.\.)?\}`)
	word   = regexp.MustCompile(`[a-z0-9]+`)
)

func operationOf(r route.Route, method, path string) (o operation, err error) {
	if r.Doc == nil || r.Doc.Summary == "" {
		return o, errors.New("it has no description (route.Doc)")
	}
	below := strings.TrimPrefix(path, Prefix)
	o = operation{
		ID: identifier(method, below), Tags: []string{word.FindString(below)}, Summary: r.Doc.Summary, Description: r.Doc.Help,
		Responses: make(map[string]response), Role: r.Role.String(),
	}
	var named []string
	for _, m := range inPath.FindAllStringSubmatch(path, -1) {
		named = append(named, m[1])
	}
	for _, p := range r.Doc.Params {
		in := "query"
		if i := slices.Index(named, p.Name); i >= 0 {
			in, p.Required, named = "path", true, slices.Delete(named, i, i+1)
		}
		s, err := schemaOfParam(p)
		if err != nil {
			return o, err
		}
		o.Parameters = append(o.Parameters, parameter{Name: p.Name, In: in, Description: p.Help, Required: p.Required, Schema: s})
	}
	if len(named) > 0 {
		return o, fmt.Errorf("the path's %s has no description", named[0])
	}
	if r.Doc.Body != nil {
		s, err := schemaOf(r.Doc.Body)
		if err != nil {
			return o, err
		}
		o.RequestBody = &content{Required: true, Content: map[string]media{"application/json": {Schema: s}}}
	}
	return o, o.answers(method, r.Doc)
}

// identifier is the name of an operation: getReportsPeople.
func identifier(method, path string) string {
	var id strings.Builder
	id.WriteString(strings.ToLower(method))
	for _, w := range word.FindAllString(path, -1) {
		id.WriteString(strings.ToUpper(w[:1]) + w[1:])
	}
	return id.String()
}

func (o *operation) answers(method string, doc *route.Doc) error {
	refusal := map[string]media{problem.ContentType: {Schema: reference{"#/components/schemas/Problem"}}}
	for _, status := range common {
		o.Responses[strconv.Itoa(status)] = response{Description: http.StatusText(status), Content: refusal}
	}
	answers := doc.Answers
	if !slices.ContainsFunc(answers, func(a route.Answer) bool { return succeeded(a.Status) }) {
		return errors.New("it has no description of its answer")
	}
	for _, a := range answers {
		if a.Status == 0 {
			a.Status = http.StatusOK
		}
		re := response{Description: a.Help, Content: make(map[string]media)}
		if re.Description == "" {
			re.Description = http.StatusText(a.Status)
		}
		if a.Type == nil && len(a.Media) == 0 && a.Status >= 400 {
			re.Content = refusal
		}
		kinds := a.Media
		if a.Type != nil && len(kinds) == 0 {
			kinds = []string{"application/json"}
		}
		for _, kind := range kinds {
			var m media
			if a.Type != nil && kind == "application/json" {
				s, err := schemaOf(a.Type)
				if err != nil {
					return err
				}
				m.Schema = s
			}
			re.Content[kind] = m
		}
		if method == http.MethodGet && a.Type != nil && succeeded(a.Status) && slices.Contains(kinds, "application/json") {
			re.Headers = map[string]header{"ETag": {"Identifies this answer, for If-None-Match.", &jsonschema.Schema{Type: "string"}}}
			o.Responses["304"] = response{Description: "As If-None-Match says.", Headers: maps.Clone(re.Headers)}
			if slices.ContainsFunc(doc.Params, func(p route.Param) bool { return p.Name == "cursor" }) {
				re.Headers["Link"] = header{`The next page, rel="next"; on the last page there is none.`, &jsonschema.Schema{Type: "string"}}
			}
		}
		o.Responses[strconv.Itoa(a.Status)] = re
	}
	return nil
}

// succeeded reports whether a status of an answer, 0 for 200, is not an error.
func succeeded(status int) bool { return status < 400 }

// times are types that are not what their fields say.
var times = map[reflect.Type]*jsonschema.Schema{
	reflect.TypeFor[time.Time]():       {Type: "string", Format: "date-time"},
	reflect.TypeFor[event.Time]():      {Types: []string{"string", "null"}, Format: "date-time"},
	reflect.TypeFor[json.RawMessage](): {},
}

// schemaOf returns the schema of a value's JSON: of its type, or the value if it is a schema.
func schemaOf(v any) (*jsonschema.Schema, error) {
	if s, ok := v.(*jsonschema.Schema); ok {
		return s, nil
	}
	return jsonschema.ForType(reflect.TypeOf(v), &jsonschema.ForOptions{TypeSchemas: times})
}
