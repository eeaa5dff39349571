package registry

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// part is a range of a list, by the parameters offset and limit.
func part[T any](q request, all []T) []T {
	all = all[min(len(all), max(0, q.number("offset", 0))):]
	if limit := q.number("limit", -1); limit >= 0 {
		all = all[:min(len(all), limit)]
	}
	if all == nil {
		return []T{}
	}
	return all
}

func (r *Registry) getSubjects(q request) (any, error) {
	var names []string
	err := r.look(func(s *state) error {
		for _, name := range slices.Sorted(maps.Keys(s.subjects)) {
			active := len(s.versions(name, false)) > 0
			wanted := active && !q.flag("deletedOnly") || !active && (q.flag("deleted") || q.flag("deletedOnly"))
			if prefix := q.URL.Query().Get("subjectPrefix"); wanted && strings.HasPrefix(name, strings.TrimPrefix(prefix, ":*:")) {
				names = append(names, name)
			}
		}
		return nil
	})
	return part(q, names), err
}

func (r *Registry) getSchemas(q request) (any, error) {
	var found []*stored
	err := r.look(func(s *state) error {
		for _, v := range s.all() {
			if !strings.HasPrefix(v.Subject, strings.TrimPrefix(q.URL.Query().Get("subjectPrefix"), ":*:")) ||
				v.Deleted && !q.flag("deleted") || q.flag("latestOnly") && v != s.version(v.Subject, latest, q.flag("deleted")) {
				continue
			}
			found = append(found, v)
		}
		return nil
	})
	return part(q, found), err
}

// formatted is a content's text as the parameter format wants it.
func (s *state) formatted(ctx context.Context, c content, format string) (string, error) {
	if format != "serialized" || //nolint:misspell // the word of the API
		c.kind() != typeProtobuf {
		return c.Schema, nil
	}
	p, err := s.parse(ctx, c)
	if err != nil {
		return "", err
	}
	return p.encoded()
}

// ofID calls f with the versions that have the id in the path.
func (r *Registry) ofID(q request, f func(*state, []*stored) error) error {
	id, err := q.id()
	if err != nil {
		return err
	}
	return r.look(func(s *state) error {
		found := s.byID(id)
		if len(found) == 0 {
			return schemaIDNotFound(id)
		}
		return f(s, found)
	})
}

func (r *Registry) getID(q request) (any, error) {
	var answer struct {
		content
		MaxID int `json:"maxId,omitempty"`
	}
	err := r.ofID(q, func(s *state, found []*stored) (err error) {
		answer.content = found[0].content
		if q.flag("fetchMaxId") {
			answer.MaxID = s.maxID
		}
		answer.Schema, err = s.formatted(q.Context(), found[0].content, q.URL.Query().Get("format"))
		return err
	})
	return answer, err
}

func (r *Registry) getIDSchema(q request) (any, error) {
	var text string
	err := r.ofID(q, func(s *state, found []*stored) (err error) {
		text, err = s.formatted(q.Context(), found[0].content, q.URL.Query().Get("format"))
		return err
	})
	return raw(text), err
}

func (r *Registry) getIDSubjects(q request) (any, error) {
	names := []string{}
	err := r.ofID(q, func(_ *state, found []*stored) error {
		for _, v := range found {
			if (!v.Deleted || q.flag("deleted")) && !slices.Contains(names, v.Subject) {
				names = append(names, v.Subject)
			}
		}
		return nil
	})
	return part(q, names), err
}

func (r *Registry) getIDVersions(q request) (any, error) {
	type subjectVersion struct {
		Subject string `json:"subject"`
		Version int    `json:"version"`
	}
	var all []subjectVersion
	err := r.ofID(q, func(_ *state, found []*stored) error {
		for _, v := range found {
			if !v.Deleted || q.flag("deleted") {
				all = append(all, subjectVersion{v.Subject, v.Version})
			}
		}
		return nil
	})
	return part(q, all), err
}
