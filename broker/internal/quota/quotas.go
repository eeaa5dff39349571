package quota

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/storage"
)

// Limits are the limits of an entity, by name.
type Limits map[string]float64

// Quotas are the limits of all entities, and what was taken of them.
type Quotas struct {
	store *storage.Store
	now   func() time.Time

	changeMu sync.Mutex // held while limits change, across the commit
	// limits are those that are durable. The map is replaced, never changed.
	limits atomic.Pointer[map[id]Limits]

	mu      sync.Mutex // guards buckets; taken alone
	buckets map[bucketKey]*bucket
}

type bucketKey struct {
	limit  string
	shares id
}

// maxBuckets is the number above which buckets that are full, as new ones are, are removed.
const maxBuckets = 4096

// Load reads the limits from the store.
func Load(s *storage.Store) (*Quotas, error) {
	q := &Quotas{store: s, now: time.Now, buckets: map[bucketKey]*bucket{}}
	all := map[id]Limits{}
	for key, value := range s.Bucket(rows.Quotas) {
		var e Entity
		var l Limits
		if err := errors.Join(json.Unmarshal([]byte(key), &e), json.Unmarshal(value, &l)); err != nil {
			return nil, fmt.Errorf("read the quotas of %s: %w", key, err)
		}
		all[e.id()] = l
	}
	q.limits.Store(&all)
	return q, nil
}

// Change is a change of one limit.
type Change struct {
	Limit  string
	Value  float64
	Remove bool
}

// Alter changes limits of an entity, or only checks the changes. They are durable when it
// returns.
func (q *Quotas) Alter(e Entity, changes []Change, validateOnly bool) error {
	if err := e.check(); err != nil {
		return err
	}
	q.changeMu.Lock()
	defer q.changeMu.Unlock()
	limits := Limits{}
	maps.Copy(limits, (*q.limits.Load())[e.id()])
	for _, c := range changes {
		if c.Remove {
			if err := unknownLimit(c.Limit); err != nil {
				return err
			}
			delete(limits, c.Limit)
			continue
		}
		if err := checkLimit(c.Limit, c.Value); err != nil {
			return err
		}
		limits[c.Limit] = c.Value
	}
	if validateOnly {
		return nil
	}
	var commit storage.Commit
	all := maps.Clone(*q.limits.Load())
	if len(limits) > 0 {
		commit.Put(rows.Quotas, e.key(), rows.Encode(limits))
		all[e.id()] = limits
	} else {
		commit.Delete(rows.Quotas, e.key())
		delete(all, e.id())
	}
	if err := q.store.Do(&commit); err != nil {
		return err
	}
	q.limits.Store(&all)
	return nil
}

// Each calls f with every entity that has limits, in the order of their keys.
func (q *Quotas) Each(f func(Entity, Limits)) {
	byKey := map[string]Limits{}
	entities := map[string]Entity{}
	for i, limits := range *q.limits.Load() {
		e := i.entity()
		byKey[e.key()], entities[e.key()] = limits, e
	}
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		f(entities[key], byKey[key])
	}
}

// Empty reports whether nobody has a limit.
func (q *Quotas) Empty() bool { return len(*q.limits.Load()) == 0 }

// Charge takes an amount from the limit of a client, and returns how long the client has to
// wait until it owes nothing: 0 without a limit.
func (q *Quotas) Charge(limit, user, client string, amount float64) time.Duration {
	all := *q.limits.Load()
	for _, c := range candidates(user, client) {
		if rate, has := all[c.entity][limit]; has {
			q.mu.Lock()
			defer q.mu.Unlock()
			return q.bucket(bucketKey{limit, c.shares}, rate).take(amount, rate, q.now())
		}
	}
	return 0
}

// bucket returns the bucket of the key, a full one if there is none yet. mu is held.
func (q *Quotas) bucket(key bucketKey, rate float64) *bucket {
	if b := q.buckets[key]; b != nil {
		return b
	}
	if len(q.buckets) >= maxBuckets {
		maps.DeleteFunc(q.buckets, func(_ bucketKey, b *bucket) bool { return b.full(q.now()) })
	}
	b := &bucket{left: rate, rate: rate, at: q.now()}
	q.buckets[key] = b
	return b
}

// bucket is what is left of a limit. It holds what the limit allows in a second.
type bucket struct {
	left float64 // less than 0: is owed
	rate float64 // at which it was filled last
	at   time.Time
}

// fill adds what time has brought.
func (b *bucket) fill(rate float64, now time.Time) {
	b.left = min(rate, b.left+rate*now.Sub(b.at).Seconds())
	b.rate, b.at = rate, now
}

func (b *bucket) full(now time.Time) bool {
	b.fill(b.rate, now)
	return b.left >= b.rate
}

// take takes an amount, and returns how long it takes to have brought what is owed.
func (b *bucket) take(amount, rate float64, now time.Time) time.Duration {
	b.fill(rate, now)
	b.left -= amount
	if b.left >= 0 {
		return 0
	}
	return time.Duration(min(-b.left/rate, maxWait.Seconds()) * float64(time.Second))
}

// maxWait bounds one wait: what is still owed then is waited for after the next request.
const maxWait = 30 * time.Second
