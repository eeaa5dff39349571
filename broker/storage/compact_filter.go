package storage

import (
	"errors"
	"hash/maphash"
)

func (p *pass) hash(key []byte) [2]uint64 {
	return [2]uint64{maphash.Bytes(p.seeds[0], key), maphash.Bytes(p.seeds[1], key)}
}

// isAborted reports whether a data batch belongs to an aborted transaction.
func (p *pass) isAborted(b Batch) bool {
	if !b.transactional() {
		return false
	}
	for _, a := range p.aborted[b.ProducerID()] {
		if a.First <= b.base() && b.base() <= a.Last {
			return true
		}
	}
	return false
}

// filter returns the batch with only the records to retain, or nil if there are
// none.
func (p *pass) filter(b Batch) (Batch, error) {
	horizon := int64(noHorizon)
	hasHorizon := b.Attributes()&attrHorizon != 0
	if hasHorizon {
		horizon = b.firstTime()
	}
	if b.control() {
		if hasHorizon && horizon <= p.o.Now {
			return nil, nil
		}
		return p.retainUntil(b, nil, hasHorizon, horizon)
	}
	if p.isAborted(b) {
		return nil, nil
	}
	var keep []Record
	tombstones, all := false, true
	err := b.Each(func(r *Record) bool {
		newest, noted := p.last[p.hash(r.Key)]
		switch {
		case r.Key != nil && noted && r.Offset < newest,
			r.Key != nil && r.Value == nil && hasHorizon && horizon <= p.o.Now:
			all = false
			return true
		case r.Key != nil && r.Value == nil:
			tombstones = true
		}
		keep = append(keep, *r)
		return true
	})
	switch {
	case errors.Is(err, ErrUnreadable):
		return b, nil
	case err != nil:
		return nil, err
	case len(keep) == 0:
		return nil, nil
	case all && !tombstones:
		return b, nil
	case tombstones:
		if all && hasHorizon {
			p.horizon = min(p.horizon, horizon)
			return b, nil
		}
		return p.retainUntil(b, keep, hasHorizon, horizon)
	}
	return rebuild(b, keep, hasHorizon, horizon)
}

// retainUntil rewrites b so that it carries a delete horizon, the time at which a
// later pass may drop its tombstones or markers. keep are the records to retain; nil
// means all.
func (p *pass) retainUntil(b Batch, keep []Record, hasHorizon bool, horizon int64) (Batch, error) {
	if !hasHorizon {
		horizon = p.o.Now + p.o.DeleteRetention
	}
	p.horizon = min(p.horizon, horizon)
	if keep == nil {
		if hasHorizon {
			return b, nil
		}
		if err := b.Each(func(r *Record) bool { keep = append(keep, *r); return true }); err != nil {
			return nil, err
		}
	}
	return rebuild(b, keep, true, horizon)
}
