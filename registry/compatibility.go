package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hamba/avro/v2"
)

// check returns why a schema is not compatible with versions, by a level; nothing if it is.
func (s *state) check(ctx context.Context, p *parsed, versions []*stored, level string) (why []string, err error) {
	if level == none || len(versions) == 0 {
		return nil, nil
	}
	if !isTransitive(level) {
		versions = versions[len(versions)-1:]
	}
	for _, v := range slices.Backward(versions) {
		old, err := s.parse(ctx, v.content)
		if err != nil {
			return nil, err
		}
		found := differences(p, old, strings.TrimSuffix(level, transitive))
		if len(found) > 0 {
			found = append(found, fmt.Sprintf("{oldSchemaVersion: %d}", v.Version), fmt.Sprintf("{compatibility: '%s'}", level))
			return append(why, found...), nil
		}
	}
	return nil, nil
}

// differences returns why two versions are not compatible in the direction of a level, or in both.
func differences(p, old *parsed, direction string) (why []string) {
	if p.kind() != old.kind() {
		return []string{fmt.Sprintf("{the type is %s, and was %s}", p.kind(), old.kind())}
	}
	if direction == backward || direction == full {
		why = append(why, cannotRead(p, old, "the new schema cannot read data of the old one")...)
	}
	if direction == forward || direction == full {
		why = append(why, cannotRead(old, p, "the old schema cannot read data of the new one")...)
	}
	return why
}

// cannotRead returns why a reader's schema does not read what a writer's schema has written.
func cannotRead(reader, writer *parsed, what string) (why []string) {
	if reader.kind() == typeAvro {
		// A checker of its own: it remembers results by fingerprints, which leave defaults out.
		if err := avro.NewSchemaCompatibility().Compatible(reader.avro, writer.avro); err != nil {
			return []string{fmt.Sprintf("{%s: %v}", what, err)}
		}
		return nil
	}
	for _, d := range protobufDifferences(writer.file, reader.file) {
		why = append(why, fmt.Sprintf("{%s: %s}", what, d))
	}
	return why
}

// compatibility returns why a schema is not compatible with one version of a subject, or, without a
// version, with those that its level is about.
func (r *Registry) compatibility(ctx context.Context, subject string, version *int, in registration) (why []string, err error) {
	err = r.look(func(s *state) error {
		level, versions := s.level(subject), s.versions(subject, false)
		if version != nil {
			v := s.version(subject, *version, false)
			switch {
			case len(versions) == 0 && *version != latest:
				return subjectNotFound(subject)
			case v == nil && *version != latest:
				return versionNotFound(*version)
			case v != nil:
				versions = []*stored{v}
			}
		}
		p, err := s.parse(ctx, in.content)
		if err != nil {
			return err
		}
		why, err = s.check(ctx, p, versions, level)
		return err
	})
	return why, err
}
