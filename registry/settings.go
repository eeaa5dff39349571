package registry

import (
	"context"
	"slices"
	"strings"
)

// levelOf returns the level of a subject, or of all ("").
func (r *Registry) levelOf(subject string, orGlobal bool) (level string, err error) {
	err = r.look(func(s *state) error {
		set, ok := s.levels[subject]
		switch {
		case ok:
			level = set
		case subject == "" || orGlobal:
			level = s.level("")
		default:
			return noLevel(subject)
		}
		return nil
	})
	return level, err
}

// setLevel sets the level of a subject, or of all.
func (r *Registry) setLevel(ctx context.Context, subject, level string) (string, error) {
	level = strings.ToUpper(level)
	if !slices.Contains(levels, level) {
		return "", refuse(42203, "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive")
	}
	r.writing.Lock()
	defer r.writing.Unlock()
	return level, r.write(ctx, setting(configKind, subject, configValue{level}))
}

// resetLevel removes the level of a subject, or of all, and returns it.
func (r *Registry) resetLevel(ctx context.Context, subject string) (string, error) {
	r.writing.Lock()
	defer r.writing.Unlock()
	level, err := r.levelOf(subject, false)
	if err != nil {
		return "", subjectNotFound(subject)
	}
	return level, r.write(ctx, setting(configKind, subject, nil))
}

// modeOf returns the mode of a subject, or of all ("").
func (r *Registry) modeOf(subject string, orGlobal bool) (mode string, err error) {
	err = r.look(func(s *state) error {
		set, ok := s.modes[subject]
		switch {
		case ok:
			mode = set
		case subject == "" || orGlobal:
			mode = s.mode("")
		default:
			return noMode(subject)
		}
		return nil
	})
	return mode, err
}

// setMode sets the mode of a subject, or of all. Only where no schema is may it become IMPORT, unless
// it is forced: ids that were given might else be given another meaning elsewhere.
func (r *Registry) setMode(ctx context.Context, subject, mode string, force bool) (string, error) {
	mode = strings.ToUpper(mode)
	if !slices.Contains(modes, mode) {
		return "", refuse(42204, "Invalid mode. Valid values are %s", strings.Join(modes, ", "))
	}
	r.writing.Lock()
	defer r.writing.Unlock()
	err := r.look(func(s *state) error {
		there := len(s.versions(subject, false)) > 0
		if subject == "" {
			there = slices.ContainsFunc(s.all(), func(v *stored) bool { return !v.Deleted })
		}
		if mode == importing && there && !force && s.mode(subject) != importing {
			return notPermitted("Cannot import since found existing subjects")
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return mode, r.write(ctx, setting(modeKind, subject, modeValue{mode}))
}

// resetMode removes the mode of a subject, or of all, and returns it.
func (r *Registry) resetMode(ctx context.Context, subject string) (string, error) {
	r.writing.Lock()
	defer r.writing.Unlock()
	mode, err := r.modeOf(subject, false)
	if err != nil {
		return "", subjectNotFound(subject)
	}
	return mode, r.write(ctx, setting(modeKind, subject, nil))
}
