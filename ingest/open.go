package ingest

import (
	"github.com/sightlog/sightlog/event"
)

// Continues reports whether what the spec names begins as the source of a
// fingerprint did, so that a run of that can go on with what has come since: a
// file that has grown, a directory with more pictures behind those it had.
func Continues(spec Spec, fingerprint string) bool {
	switch kind, err := spec.Kind(); {
	case err != nil:
		return false
	case kind == event.SourceFile:
		return fileContinues(spec.URI, fingerprint)
	case kind == event.SourceImages:
		return picturesContinue(spec.URI, fingerprint)
	}
	return false
}
