package sink

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/event"
)

// idCache has the integer keys of cameras, runs and sets of zones, and the classes that
// are stored.
// It inserts missing rows before the transaction that needs them, each in a
// transaction of its own: they are few, and a row that is not used does no harm.
type idCache struct {
	pool  *pgxpool.Pool
	store Store

	mu      sync.Mutex // guards the following
	cameras map[string]int32
	runs    map[runKey]int32
	classes map[classKey]struct{}
	zones   map[string]int32 // by their names, separated by zero bytes
}

type runKey struct {
	camera int32
	run    string
}

type classKey struct {
	run   int32
	class int
}

// errNoRow means that a row was deleted as soon as it was inserted, or was not inserted
// because the row that it refers to is gone.
var errNoRow = errors.New("the row, or the one it refers to, was deleted")

// maxCachedIDs bounds each map: a full one is cleared.
const maxCachedIDs = 10_000

func newIDCache(pool *pgxpool.Pool, store Store) *idCache {
	n := &idCache{pool: pool, store: store}
	n.forget()
	return n
}

// forget clears the cache. It is called when the database may be another one, or
// rows may have been deleted.
func (n *idCache) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cameras = make(map[string]int32)
	n.runs = make(map[runKey]int32)
	n.classes = make(map[classKey]struct{})
	n.zones = make(map[string]int32)
}

func remember[K comparable, V any](n *idCache, m *map[K]V, k K, v V) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(*m) >= maxCachedIDs {
		clear(*m)
	}
	(*m)[k] = v
}

func recall[K comparable, V any](n *idCache, m *map[K]V, k K) (V, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	v, ok := (*m)[k]
	return v, ok
}

func (n *idCache) camera(ctx context.Context, name string) (int32, error) {
	id, ok := recall(n, &n.cameras, name)
	if ok {
		return id, nil
	}
	id, err := n.make(ctx, "SELECT id FROM cameras WHERE name = $1",
		"INSERT INTO cameras (name) VALUES ($1) ON CONFLICT DO NOTHING", []any{name})
	if err != nil {
		return 0, fmt.Errorf("make camera %s: %w", name, err)
	}
	if _, err := n.pool.Exec(ctx, n.store.markCamera(), id); err != nil {
		return 0, fmt.Errorf("make camera %s: %w", name, err)
	}
	remember(n, &n.cameras, name, id)
	return id, nil
}

// run returns the key of the run that s belongs to. If the run's own record has not
// arrived yet, the sighting's fields make a row for it. The first sighting with a frame,
// which a crossing's has not, completes it with the frame's size.
func (n *idCache) run(ctx context.Context, camera int32, s *event.Sighting) (int32, error) {
	k := runKey{camera, s.Run}
	id, ok := recall(n, &n.runs, k)
	if ok {
		return id, nil
	}
	id, err := n.make(ctx, "SELECT id FROM runs WHERE camera_id = $1 AND run = $2",
		`INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider)
		 SELECT id, $2, $4, $5, $6, $7::bigint, $8::bigint, $9 FROM cameras WHERE id = $1 AND name = $3 ON CONFLICT DO NOTHING`,
		[]any{camera, s.Run},
		s.Camera, string(s.SourceKind), s.Model.Name, s.Model.SHA256, s.Model.Input[0], s.Model.Input[1], s.Model.Provider)
	if err != nil {
		return 0, fmt.Errorf("make run %s: %w", s.Run, err)
	}
	if s.Frame.Width == 0 {
		return id, nil
	}
	if _, err := n.pool.Exec(ctx, "UPDATE runs SET frame_width = $2::bigint, frame_height = $3::bigint WHERE id = $1 AND frame_width IS NULL",
		id, s.Frame.Width, s.Frame.Height); err != nil {
		return 0, fmt.Errorf("make run %s: %w", s.Run, err)
	}
	remember(n, &n.runs, k, id)
	return id, nil
}

// class ensures that a run's label for a class is stored.
func (n *idCache) class(ctx context.Context, run int32, o event.Object) error {
	k := classKey{run, o.ClassID}
	if _, ok := recall(n, &n.classes, k); ok {
		return nil
	}
	if _, err := n.pool.Exec(ctx, "INSERT INTO classes (run_id, class_id, label) VALUES ($1, $2::bigint, $3) ON CONFLICT DO NOTHING",
		run, o.ClassID, o.Label); err != nil {
		return fmt.Errorf("make class %d: %w", o.ClassID, err)
	}
	remember(n, &n.classes, k, struct{}{})
	return nil
}

// zoneSet returns the key of a set of zones.
func (n *idCache) zoneSet(ctx context.Context, zones []string) (int32, error) {
	k := strings.Join(zones, "\x00")
	id, ok := recall(n, &n.zones, k)
	if ok {
		return id, nil
	}
	id, err := n.make(ctx, "SELECT id FROM zone_sets WHERE zones = $1::text[]",
		"INSERT INTO zone_sets (zones) VALUES ($1::text[]) ON CONFLICT DO NOTHING", []any{zones})
	if err != nil {
		return 0, fmt.Errorf("make set of zones: %w", err)
	}
	remember(n, &n.zones, k, id)
	return id, nil
}

// make returns the id that sel selects by keys, after inserting the row if there is
// none.
func (n *idCache) make(ctx context.Context, sel, ins string, keys []any, more ...any) (id int32, err error) {
	for range 2 {
		rows, err := n.pool.Query(ctx, sel, keys...)
		if err != nil {
			return 0, err
		}
		found := rows.Next()
		if found {
			err = rows.Scan(&id)
		}
		rows.Close()
		if err == nil {
			err = rows.Err()
		}
		if err != nil || found {
			return id, err
		}
		if _, err := n.pool.Exec(ctx, ins, append(keys, more...)...); err != nil {
			return 0, err
		}
	}
	return 0, errNoRow
}
