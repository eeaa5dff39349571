package broker

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/broker/internal/quota"
)

// Quotas of clients (KIP-124, KIP-219). A client that takes more than its quotas allow is
// answered at once, with the time that it has to wait; until then its connection's reader
// serves no further request. Time that a reply waits, for the disk or for records, is nobody's.

// limited returns the reply of a request of that size, which its handler made since began,
// with what its client has to wait for.
func (b *Broker) limited(c *caller, req kmsg.Request, size int, began time.Time, r reply) reply {
	if b.quotas.Empty() {
		return r
	}
	user := c.user() // which the reader alone may ask for
	charge := func(limit string, amount float64) time.Duration {
		return b.quotas.Charge(limit, user, c.clientID, amount)
	}
	var wait time.Duration
	if c.auth.Done() || !b.cfg.SASL {
		wait = charge(quota.Requests, percent(time.Since(began)))
	}
	if req.Key() == produceKey {
		wait = max(wait, charge(quota.Produce, float64(size)))
	}
	if wait == 0 && req.Key() != fetchAPI.key {
		return r
	}
	c.conn.Mute(wait)
	return func() kmsg.Response {
		resp := r()
		if f, is := resp.(*fetched); is {
			received := charge(quota.Fetch, float64(f.records()))
			wait = max(wait, received, charge(quota.Requests, percent(f.took)))
			c.conn.Mute(wait)
		}
		if wait > 0 {
			b.met.throttled.Inc()
			if t, can := resp.(kmsg.SetThrottleResponse); can {
				t.SetThrottle(int32(wait.Milliseconds()))
			}
		}
		return resp
	}
}

// percent returns a time in percent of a second, as quota.Requests counts it.
func percent(d time.Duration) float64 { return 100 * d.Seconds() }
