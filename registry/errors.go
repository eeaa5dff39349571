package registry

import (
	"fmt"
	"net/http"
	"strings"
)

// apiError is an error of Confluent's API: the code's first three digits are the HTTP status.
type apiError struct {
	Code    int    `json:"error_code"`
	Message string `json:"message"`
}

func (e *apiError) Error() string { return e.Message }

func (e *apiError) status() int {
	if e.Code >= 1000 {
		return e.Code / 100
	}
	return e.Code
}

// refuse returns an error with a code of the API.
func refuse(code int, format string, args ...any) *apiError {
	return &apiError{code, fmt.Sprintf(format, args...)}
}

func subjectNotFound(subject string) *apiError {
	return refuse(40401, "Subject '%s' not found.", subject)
}
func versionNotFound(v int) *apiError    { return refuse(40402, "Version %d not found.", v) }
func schemaNotFound() *apiError          { return refuse(40403, "Schema not found") }
func schemaIDNotFound(id int) *apiError  { return refuse(40403, "Schema %d not found", id) }
func notPermitted(text string) *apiError { return refuse(42205, "%s", text) }

func subjectSoftDeleted(subject string) *apiError {
	return refuse(40404, "Subject '%s' was soft deleted. Set permanent=true to delete permanently", subject)
}

func subjectNotSoftDeleted(subject string) *apiError {
	return refuse(40405, "Subject '%s' was not deleted first before being permanently deleted", subject)
}

func versionSoftDeleted(subject string, v int) *apiError {
	return refuse(40406, "Subject '%s' Version %d was soft deleted. Set permanent=true to delete permanently", subject, v)
}

func versionNotSoftDeleted(subject string, v int) *apiError {
	return refuse(40407, "Subject '%s' Version %d was not deleted first before being permanently deleted", subject, v)
}

func noLevel(subject string) *apiError {
	return refuse(40408, "Subject '%s' does not have subject-level compatibility configured", subject)
}

func noMode(subject string) *apiError {
	return refuse(40409, "Subject '%s' does not have subject-level mode configured", subject)
}

func incompatible(subject string, why []string) *apiError {
	return refuse(http.StatusConflict, "Schema being registered is incompatible with an earlier schema for subject %q, details: [%s]", subject, strings.Join(why, ", "))
}

func invalidSchema(kind string, err error) *apiError {
	return refuse(42201, "Invalid schema of type %s, details: %v", kind, err)
}

func invalidVersion(text string) *apiError {
	return refuse(42202, "The specified version '%s' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\"", text)
}

func referenceExists(s *stored) *apiError {
	return refuse(42206, "One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=%s,version=%d}.", s.Subject, s.Version)
}

func storeFailed(err error) *apiError {
	return refuse(50001, "Error in the backend data store: %v", err)
}
