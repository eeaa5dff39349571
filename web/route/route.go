// Package route describes the handlers of the site: what the server needs to guard them, and
// what the API's description says of them.
package route

import "net/http"

// Role is who may use a route.
type Role int

// The roles, each of which may do what those before it may. Unset is refused by web.Serve:
// a route without a role is a mistake.
const (
	Unset  Role = iota
	Public      // without logging in
	Reader
	Admin
)

func (r Role) String() string { return [...]string{"unset", "public", "reader", "admin"}[r] }

// Route is one handler. Pattern is that of http.ServeMux, with a method ("GET /api/v1/cameras").
type Route struct {
	Pattern string
	Role    Role
	Stream  bool // its response lasts: it has no write timeout
	Handler http.Handler
	Doc     *Doc // of the API's routes; nil for the files of the page
}

// Doc is what the API's description says of a route. Its summary is one line.
type Doc struct {
	Summary string
	Help    string // more of it, may be empty
	Params  []Param
	Body    any // a value of the type that the request's body has as JSON; nil: it has none
	Answers []Answer
}

// Param is a parameter. In the path if the pattern has its name in braces, else in the query.
// Package answer checks a request against its parameters.
type Param struct {
	Name      string
	Help      string
	Type      any // a value of its type: "", 0, 0.0, false, time.Time{}, time.Duration(0)
	Default   any // a value of the same type; nil: there is none
	Enum      []string
	Pattern   string  // of a text, anchored: ^[a-z]+$
	MaxLength int     // of a text, in characters; 0: 256
	Min, Max  float64 // of a number; both 0: any
	Required  bool
	Repeated  bool // may be given several times
}

// Answer is what a route answers with one status. A problem (RFC 9457) is described without
// Media and Type; those that every route may answer (400, 401, 403, 429, 500, 503) need none.
type Answer struct {
	Status int
	Help   string
	Media  []string // media types, application/json if there is none and Type is not nil
	Type   any      // a value of the type that the body has as JSON
}
