package registry

import (
	"context"
	"log/slog"
	"sync"

	"github.com/sightlog/sightlog/schema"
)

// Registry is a schema registry. It may be used concurrently.
type Registry struct {
	logger *slog.Logger

	writing sync.Mutex // held by what changes something, until it is in the log; taken before mu
	log     *topicLog

	mu    sync.RWMutex // guards the following
	state *state
}

// write appends changes to the log and applies them. writing is held.
func (r *Registry) write(ctx context.Context, changes ...change) error {
	// Without the request's end: what may be in the log must become known.
	if err := r.log.append(context.WithoutCancel(ctx), changes); err != nil {
		r.logger.Error("the schema registry cannot write", "err", err)
		return storeFailed(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range changes {
		if err := r.state.apply(c); err != nil {
			return storeFailed(err)
		}
	}
	return nil
}

// look calls f with the state, which f must not change or keep.
func (r *Registry) look(f func(*state) error) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return f(r.state)
}

// maxReferences bounds the references of a schema, with theirs.
const maxReferences = 200

// resolve returns the texts of references and of theirs, those first that others use. A reference to
// the latest version becomes one to its number.
func (s *state) resolve(of []reference) (all []schema.Reference, err error) {
	seen := make(map[string]bool)
	var add func([]reference) error
	add = func(of []reference) error {
		for i := range of {
			r := &of[i]
			if r.Version == -1 {
				r.Version = latest
			}
			v := s.version(r.Subject, r.Version, true)
			if v == nil {
				return refuse(42201, "No schema reference found for subject %q and version %d", r.Subject, r.Version)
			}
			r.Version = v.Version
			if seen[r.Name] {
				continue
			}
			if seen[r.Name] = true; len(seen) > maxReferences {
				return refuse(42201, "The schema has more than %d references", maxReferences)
			}
			if err := add(append([]reference(nil), v.References...)); err != nil {
				return err
			}
			all = append(all, schema.Reference{Name: r.Name, Text: v.Schema})
		}
		return nil
	}
	return all, add(of)
}

// parse reads a schema with what the state has of its references. mu is held, for reading at least.
func (s *state) parse(ctx context.Context, c content) (*parsed, error) {
	c.References = append([]reference(nil), c.References...)
	references, err := s.resolve(c.References)
	if err != nil {
		return nil, err
	}
	return parse(ctx, c, references)
}
