package registry

// answered is a version as the API answers it.
type answered struct {
	Subject string `json:"subject"`
	Version int    `json:"version"`
	ID      int    `json:"id"`
	content
}

func (r *Registry) getVersions(q request) (any, error) {
	numbers := []int{}
	err := r.look(func(s *state) error {
		deleted := q.flag("deleted") || q.flag("deletedOnly")
		versions := s.versions(q.subject(), deleted)
		if len(versions) == 0 {
			return subjectNotFound(q.subject())
		}
		for _, v := range versions {
			if v.Deleted || !q.flag("deletedOnly") {
				numbers = append(numbers, v.Version)
			}
		}
		return nil
	})
	return part(q, numbers), err
}

// ofVersion calls f with the version in the path.
func (r *Registry) ofVersion(q request, f func(*state, *stored) error) error {
	version, err := q.version()
	if err != nil {
		return err
	}
	return r.look(func(s *state) error {
		v := s.version(q.subject(), version, q.flag("deleted"))
		switch {
		case len(s.versions(q.subject(), q.flag("deleted"))) == 0:
			return subjectNotFound(q.subject())
		case v == nil:
			return versionNotFound(version)
		}
		return f(s, v)
	})
}

func (r *Registry) getVersion(q request) (any, error) {
	var answer answered
	err := r.ofVersion(q, func(s *state, v *stored) (err error) {
		answer = answered{v.Subject, v.Version, v.ID, v.content}
		answer.Schema, err = s.formatted(q.Context(), v.content, q.URL.Query().Get("format"))
		return err
	})
	return answer, err
}

func (r *Registry) getVersionSchema(q request) (any, error) {
	var text string
	err := r.ofVersion(q, func(s *state, v *stored) (err error) {
		text, err = s.formatted(q.Context(), v.content, q.URL.Query().Get("format"))
		return err
	})
	return raw(text), err
}

func (r *Registry) getReferencedBy(q request) (any, error) {
	ids := []int{}
	err := r.ofVersion(q, func(s *state, v *stored) error {
		for _, user := range s.referencing(v, q.flag("deleted")) {
			ids = append(ids, user.ID)
		}
		return nil
	})
	return ids, err
}

func (r *Registry) postLookup(q request) (any, error) {
	in, err := q.registration()
	if err != nil {
		return nil, err
	}
	v, err := r.lookup(q.Context(), q.subject(), in, q.flag("deleted"))
	if err != nil {
		return nil, err
	}
	return answered{v.Subject, v.Version, v.ID, v.content}, nil
}

func (r *Registry) postVersion(q request) (any, error) {
	in, err := q.registration()
	if err != nil {
		return nil, err
	}
	id, err := r.register(q.Context(), q.subject(), in)
	return map[string]int{"id": id}, err
}

func (r *Registry) deleteSubjectRoute(q request) (any, error) {
	return r.deleteSubject(q.Context(), q.subject(), q.flag("permanent"))
}

func (r *Registry) deleteVersionRoute(q request) (any, error) {
	version, err := q.version()
	if err != nil {
		return nil, err
	}
	return r.deleteVersion(q.Context(), q.subject(), version, q.flag("permanent"))
}

func (r *Registry) postCompatibility(q request) (any, error) {
	in, err := q.registration()
	if err != nil {
		return nil, err
	}
	var version *int
	if q.PathValue("version") != "" {
		number, err := q.version()
		if err != nil {
			return nil, err
		}
		version = &number
	}
	why, err := r.compatibility(q.Context(), q.subject(), version, in)
	answer := map[string]any{"is_compatible": len(why) == 0}
	if q.flag("verbose") {
		answer["messages"] = append([]string{}, why...)
	}
	return answer, err
}
