package answer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/web/problem"
)

// Refusal is an error with a status of its own.
type Refusal struct {
	Status int
	Detail string // what is wrong
	Hint   string // how to mend it; may be empty
	After  int    // seconds after which it may be asked again; 0: not said
}

func (e *Refusal) Error() string { return e.Detail }

// Refuse returns an error that is answered with a status.
func Refuse(status int, detail, hint string) error {
	return &Refusal{Status: status, Detail: detail, Hint: hint}
}

// Senseless returns an error that is answered with 422 if it is a *usage.Error about parameters
// that are each right; any other as it is.
func Senseless(err error) error {
	var wrong *usage.Error
	if errors.As(err, &wrong) && !errors.Is(err, query.ErrNoName) {
		return Refuse(http.StatusUnprocessableEntity, asParameters(wrong.What), asParameters(wrong.Fix))
	}
	return err
}

// Errors of a Database.
var (
	errBusy = &Refusal{Status: http.StatusServiceUnavailable, Detail: "too many questions are being answered", Hint: "ask again", After: 2}
	errSlow = &Refusal{Status: http.StatusGatewayTimeout, Detail: "the answer takes too long", Hint: "ask for less: a camera, a shorter time, a longer bucket"}
	errAway = &Refusal{Status: http.StatusServiceUnavailable, Detail: "the database cannot be reached", Hint: "ask again", After: 5}
)

type logKey struct{}

// Logged returns a handler whose requests log the errors that are nobody's mistake.
func Logged(h http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), logKey{}, log)))
	})
}

// Error answers a request with an error. A client that has gone gets nothing.
func Error(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return
	}
	p := refusal(err)
	if p == nil {
		if log, ok := r.Context().Value(logKey{}).(*slog.Logger); ok {
			log.Error("request failed", "method", r.Method, "path", r.URL.Path, "err", err)
		}
		p = &Refusal{Status: http.StatusInternalServerError, Detail: "something went wrong; the log of sightlog says what"}
	}
	if p.After > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.After))
	}
	problem.Write(w, p.Status, p.Detail, p.Hint)
}

// refusal returns how an error is answered, or nil if it is nobody's mistake.
func refusal(err error) *Refusal {
	var own *Refusal
	var wrong *usage.Error
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, context.DeadlineExceeded):
		return errSlow
	case errors.As(err, &pg):
		return ofDatabase(pg)
	case away(err):
		return errAway
	case errors.Is(err, query.ErrNoName):
		errors.As(err, &wrong)
		return &Refusal{Status: http.StatusNotFound, Detail: asParameters(wrong.What), Hint: asParameters(wrong.Fix)}
	case errors.As(err, &wrong):
		return &Refusal{Status: http.StatusBadRequest, Detail: asParameters(wrong.What), Hint: asParameters(wrong.Fix)}
	}
	return nil
}

// ofDatabase returns how an error of the server is answered, by its SQLSTATE.
func ofDatabase(pg *pgconn.PgError) *Refusal {
	switch {
	case pg.Code == "57014": // query_canceled: a statement_timeout
		return errSlow
	case strings.HasPrefix(pg.Code, "22"): // data exception: a value that is no text, or a time beyond the calendar
		return &Refusal{Status: http.StatusBadRequest, Detail: "a parameter has a value that the database does not take: " + pg.Message}
	case strings.HasPrefix(pg.Code, "08"), strings.HasPrefix(pg.Code, "57P"), pg.Code == "53300":
		return errAway // connection lost, shutting down or starting, too many connections
	}
	return nil
}

// away reports whether the database could not be reached, or the connection was lost.
func away(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		strings.Contains(fmt.Sprint(err), "unexpected EOF")
}

var flag = regexp.MustCompile(`--([a-z])`)

// asParameters writes flags of the command line as parameters.
func asParameters(text string) string { return flag.ReplaceAllString(text, "$1") }
