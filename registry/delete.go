package registry

import "context"

// deleteSubject deletes a subject: its versions are hidden, and, if that was done before, removed
// for good. It returns the versions.
func (r *Registry) deleteSubject(ctx context.Context, subject string, permanent bool) (versions []int, err error) {
	r.writing.Lock()
	defer r.writing.Unlock()
	var changes []change
	err = r.look(func(s *state) error {
		if s.mode(subject) == readOnly {
			return notPermitted("Subject " + subject + " is in read-only mode")
		}
		all, active := s.versions(subject, true), s.versions(subject, false)
		switch {
		case len(all) == 0:
			return subjectNotFound(subject)
		case !permanent && len(active) == 0:
			return subjectSoftDeleted(subject)
		case permanent && len(active) > 0:
			return subjectNotSoftDeleted(subject)
		case !permanent:
			all = active
		}
		for _, v := range all {
			if err := s.unused(v, permanent); err != nil {
				return err
			}
			versions = append(versions, v.Version)
		}
		changes = s.deletion(all, permanent)
		for kind, of := range map[string]map[string]string{configKind: s.levels, modeKind: s.modes} {
			if _, set := of[subject]; set {
				changes = append(changes, setting(kind, subject, nil))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return versions, r.write(ctx, changes...)
}

// deleteVersion deletes one version of a subject, as deleteSubject deletes all, and returns its
// number.
func (r *Registry) deleteVersion(ctx context.Context, subject string, version int, permanent bool) (number int, err error) {
	r.writing.Lock()
	defer r.writing.Unlock()
	var changes []change
	err = r.look(func(s *state) error {
		if s.mode(subject) == readOnly {
			return notPermitted("Subject " + subject + " is in read-only mode")
		}
		if len(s.versions(subject, true)) == 0 {
			return subjectNotFound(subject)
		}
		v := s.version(subject, version, permanent || version != latest)
		switch {
		case v == nil:
			return versionNotFound(version)
		case !permanent && v.Deleted:
			return versionSoftDeleted(subject, v.Version)
		case permanent && !v.Deleted:
			return versionNotSoftDeleted(subject, v.Version)
		}
		number, changes = v.Version, s.deletion([]*stored{v}, permanent)
		return s.unused(v, permanent)
	})
	if err != nil {
		return 0, err
	}
	return number, r.write(ctx, changes...)
}

// unused returns an error if another schema refers to a version. One that is hidden counts only
// where the version is removed for good.
func (s *state) unused(v *stored, permanent bool) error {
	if len(s.referencing(v, permanent)) > 0 {
		return referenceExists(v)
	}
	return nil
}

// deletion returns the records that delete versions. The greatest id is stored first, so that it is
// never given again.
func (s *state) deletion(versions []*stored, permanent bool) (changes []change) {
	if permanent {
		changes = append(changes, keepID(s.maxID))
	}
	for _, v := range versions {
		if permanent {
			changes = append(changes, removeVersion(v))
			continue
		}
		gone := *v
		gone.Deleted = true
		changes = append(changes, putVersion(&gone))
	}
	return changes
}
