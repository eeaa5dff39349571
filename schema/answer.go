package schema

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
)

// ErrUnavailable means that the registry does not answer, or not as one that may be asked:
// another attempt may succeed.
var ErrUnavailable = errors.New("the schema registry cannot be used")

// errNoRegistry means an answer of success that says nothing: another program has the address.
var errNoRegistry = errors.New("what answers there is no schema registry")

// answerTime bounds a question to the registry.
const answerTime = 5 * time.Second

// maxAnswer bounds an answer in bytes; schemas are a few thousand.
const maxAnswer = 4 << 20

// boundedAnswers cuts answers at maxAnswer, so that what is no registry cannot fill the memory.
type boundedAnswers struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b boundedAnswers) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(req)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}

// lacks reports whether the registry says that it lacks what was asked for, by a code of its API
// (40401, 40403, …). Status 404 alone says nothing: a wrong path, a proxy or another program answers
// with it, too.
func lacks(err error) bool {
	answered := (*sr.ResponseError)(nil)
	return errors.As(err, &answered) && answered.ErrorCode/100 == http.StatusNotFound
}

// oneLine returns a registry's answer that is an error, which may be a whole page, on one line.
func oneLine(err error) error {
	if answered := (*sr.ResponseError)(nil); errors.As(err, &answered) {
		text := strings.Join(strings.Fields(answered.Error()), " ")
		return fmt.Errorf("it answers with status %d: %.120s", answered.StatusCode, text)
	}
	return err
}
