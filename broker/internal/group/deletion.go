package group

import (
	"slices"
	"time"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Delete deletes a group's offsets, and returns when that is durable:
// NON_EMPTY_GROUP if it has members, GROUP_ID_NOT_FOUND if it does not exist.
func (c *Coordinator) Delete(name string) error {
	if err := CheckID(name); err != nil {
		return err
	}
	known, err := c.removeConsumers(name)
	if err != nil {
		return err
	}
	commit, err := c.submitDelete(name, known)
	if err != nil || commit.Empty() {
		return err
	}
	return commit.Wait()
}

// removeConsumers removes an empty group of the consumer protocol from memory, and reports
// whether there was one: NON_EMPTY_GROUP if it has members.
func (c *Coordinator) removeConsumers(name string) (known bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hasConsumers(name) {
		return true, kerr.NonEmptyGroup
	}
	_, known = c.consumers[name]
	delete(c.consumers, name)
	return known, nil
}

// submitDelete submits the deletion with the group locked, so that no member joins
// meanwhile. The disk is waited for without the lock. known says that there was a group
// even if it has no offsets.
func (c *Coordinator) submitDelete(name string, known bool) (*storage.Commit, error) {
	g := c.lock(name)
	if g != nil {
		defer g.mu.Unlock()
		if len(g.members) > 0 || len(g.pending) > 0 {
			return nil, kerr.NonEmptyGroup
		}
	}
	keys := c.OffsetKeys(name)
	if g == nil && !known && len(keys) == 0 {
		return nil, kerr.GroupIDNotFound
	}
	commit := &storage.Commit{}
	for _, key := range keys {
		commit.Delete(offsetsBucket(name), key)
	}
	if !commit.Empty() {
		c.opt.Store.Submit(commit)
	}
	return commit, nil
}

// DeleteOffsets deletes the offsets with the keys that choose returns, and returns
// when that is durable: GROUP_ID_NOT_FOUND if the group does not exist. choose is
// called with the group locked; subscribed reports whether a member subscribes to a
// topic.
func (c *Coordinator) DeleteOffsets(name string, choose func(subscribed func(topic string) bool) (keys []string)) error {
	commit, err := c.submitDeleteOffsets(name, choose)
	if err != nil || commit.Empty() {
		return err
	}
	return commit.Wait()
}

func (c *Coordinator) submitDeleteOffsets(name string, choose func(func(string) bool) []string) (*storage.Commit, error) {
	subscribed := func(string) bool { return false }
	g := c.lock(name)
	if g != nil {
		defer g.mu.Unlock()
		subscribed = g.subscribes
	}
	if (g == nil || g.state == groupEmpty) && !c.hasOffsets(name) {
		return nil, kerr.GroupIDNotFound
	}
	commit := &storage.Commit{}
	for _, key := range choose(subscribed) {
		commit.Delete(offsetsBucket(name), key)
	}
	if !commit.Empty() {
		c.opt.Store.Submit(commit)
	}
	return commit, nil
}

// ExpireOffsets deletes the offsets that groups without members committed before
// the time, and that have had none since, and removes groups from memory that have
// neither. Those of the groups in keep stay. It does not wait for the disk.
func (c *Coordinator) ExpireOffsets(before time.Time, keep ...string) {
	for _, name := range c.withOffsets() {
		if c.HasConsumers(name) || slices.Contains(keep, name) {
			continue
		}
		g := c.lock(name)
		if g == nil || g.state == groupEmpty {
			since := int64(0)
			if g != nil {
				since = g.emptySince
			}
			c.expireGroup(name, since, before.UnixMilli())
		}
		if g != nil {
			g.mu.Unlock()
		}
	}
	c.forget()
}

// expireGroup deletes a group's expired offsets. Its members, if it had any, left at
// since.
func (c *Coordinator) expireGroup(name string, since, before int64) {
	var commit storage.Commit
	for _, key := range c.OffsetKeys(name) {
		if offset, ok := c.Offset(name, key); ok && max(offset.At, since) < before {
			commit.Delete(offsetsBucket(name), key)
		}
	}
	if !commit.Empty() {
		c.opt.Store.SubmitDeferred(&commit)
	}
}

// forget removes from memory the groups that have neither members nor offsets.
func (c *Coordinator) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, g := range c.classic {
		g.mu.Lock()
		if g.state == groupEmpty && len(g.pending) == 0 && !c.hasOffsets(name) {
			delete(c.classic, name)
		}
		g.mu.Unlock()
	}
	for name, g := range c.consumers {
		g.mu.Lock()
		if len(g.members) == 0 && !c.hasOffsets(name) {
			delete(c.consumers, name)
		}
		g.mu.Unlock()
	}
}
