package registry

import (
	"context"
	"math"
	"slices"
	"strconv"
)

// same returns the version of a subject that is the schema, nil if there is none.
func (s *state) same(ctx context.Context, p *parsed, versions []*stored) *stored {
	for _, v := range slices.Backward(versions) {
		if s.isSame(ctx, p, v) {
			return v
		}
	}
	return nil
}

func (s *state) isSame(ctx context.Context, p *parsed, v *stored) bool {
	if v.kind() != p.kind() {
		return false
	}
	if v.Schema == p.Schema && slices.Equal(v.References, p.References) {
		return true
	}
	identity, ok := s.identities.Load(v.ID)
	if !ok {
		old, err := s.parse(ctx, v.content)
		if err != nil {
			return false // of another registry, which reads more than this one
		}
		identity = old.identity
		s.identities.Store(v.ID, identity)
	}
	return identity == p.identity
}

// register adds a schema to a subject, unless it has it, and returns its id.
func (r *Registry) register(ctx context.Context, subject string, in registration) (id int, err error) {
	r.writing.Lock()
	defer r.writing.Unlock()
	var add *stored
	err = r.look(func(s *state) error {
		id, add, err = s.planRegistration(ctx, subject, in)
		return err
	})
	if err != nil || add == nil {
		return id, err
	}
	return id, r.write(ctx, putVersion(add))
}

// planRegistration returns the id of a schema, and the version to add, nil if it is there.
func (s *state) planRegistration(ctx context.Context, subject string, in registration) (int, *stored, error) {
	mode := s.mode(subject)
	p, err := s.parse(ctx, in.content)
	if err != nil {
		return 0, nil, err
	}
	active := s.versions(subject, false)
	if there := s.same(ctx, p, active); there != nil && (in.ID <= 0 || in.ID == there.ID) {
		return there.ID, nil, nil
	}
	switch {
	case mode == readOnly:
		return 0, nil, notPermitted("Subject " + subject + " is in read-only mode")
	case mode == importing && in.ID <= 0:
		return 0, nil, notPermitted("Subject " + subject + " is in import mode")
	case mode != importing && in.ID > 0:
		return 0, nil, notPermitted("Subject " + subject + " is not in import mode")
	}
	v := &stored{Subject: subject, content: p.content, Version: 1}
	if all := s.versions(subject, true); len(all) > 0 {
		v.Version = all[len(all)-1].Version + 1
	}
	if mode == importing {
		return s.planImport(ctx, p, v, in)
	}
	if why, err := s.check(ctx, p, active, s.level(subject)); err != nil || len(why) > 0 {
		if err == nil {
			err = incompatible(subject, why)
		}
		return 0, nil, err
	}
	if in.Version > 0 && in.Version != v.Version {
		return 0, nil, refuse(42201, "Version is not one more than previous version")
	}
	if v.ID = s.idOf(ctx, p); v.ID == 0 {
		v.ID = s.maxID + 1
	}
	return v.ID, v, nil
}

// planImport checks the id and version that a schema is imported with.
func (s *state) planImport(ctx context.Context, p *parsed, v *stored, in registration) (int, *stored, error) {
	if in.ID > math.MaxInt32 || in.Version > math.MaxInt32 {
		return 0, nil, invalidVersion("too large")
	}
	for _, other := range s.byID(in.ID) {
		if !s.isSame(ctx, p, other) {
			return 0, nil, notPermitted("Overwrite new schema with id " + strconv.Itoa(in.ID) + " is not permitted.")
		}
	}
	v.ID = in.ID
	if in.Version > 0 {
		v.Version = in.Version
	}
	return v.ID, v, nil
}

// idOf returns the id that a schema has in any subject, 0 if it has none. Its meaning is the same
// also where it was deleted.
func (s *state) idOf(ctx context.Context, p *parsed) int {
	if v := s.same(ctx, p, s.all()); v != nil {
		return v.ID
	}
	return 0
}

// lookup returns the version of a subject that is the schema.
func (r *Registry) lookup(ctx context.Context, subject string, in registration, deleted bool) (found *stored, err error) {
	err = r.look(func(s *state) error {
		versions := s.versions(subject, deleted)
		if len(versions) == 0 {
			return subjectNotFound(subject)
		}
		p, err := s.parse(ctx, in.content)
		if err != nil {
			return err
		}
		if found = s.same(ctx, p, versions); found == nil {
			return schemaNotFound()
		}
		return nil
	})
	return found, err
}
