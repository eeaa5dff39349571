package ingest

import (
	"context"

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

// Open opens the source. A mistake in what was asked for is a *usage.Error:
// no such file or camera, a directory without images, a file that is no
// video, a server that refuses, nothing that opens within OpenTimeout.
func Open(ctx context.Context, spec Spec, opts Options) (Source, error) {
	opts = opts.withDefaults()
	prepareLibraries()
	kind, err := spec.sourceKind()
	if err != nil {
		return nil, err
	}
	if err := opts.Backoff.Wait(ctx); err != nil {
		return nil, err
	}
	s, err := kind.open(ctx, spec, opts)
	if err != nil && ctx.Err() == nil && opts.Backoff.Left() == 0 { // it has not counted its tries itself
		opts.Backoff.Failed(err)
	}
	return s, err
}

// Latest replaces a frame that Next delivered by a newer one, if its source is
// live and has one by now; the one replaced counts as missed. A caller that
// had to wait for its turn to detect calls it then.
func Latest(s Source, f *Frame) {
	if l, ok := s.(*live); ok {
		l.latest(f)
	}
}
