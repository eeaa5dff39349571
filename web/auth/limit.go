package auth

import (
	"math"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// An address, and a user, may try so many passwords at once, and then one in each interval.
const (
	tries        = 10
	tryInterval  = 10 * time.Second
	maxLimiters  = 10_000
	hashesAtOnce = 2 // each needs 19 MiB
)

// limits are those of logins, by address or by user.
type limits struct {
	mu  sync.Mutex // guards all
	all map[string]*rate.Limiter
}

// take reports whether another try is allowed, or after which time.
func (l *limits) take(key string, now time.Time) (wait time.Duration, allowed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter, found := l.all[key]
	if !found {
		if len(l.all) >= maxLimiters {
			l.forget(now)
		}
		limiter = rate.NewLimiter(rate.Every(tryInterval), tries)
		l.all[key] = limiter
	}
	if limiter.AllowN(now, 1) {
		return 0, true
	}
	missing := 1 - limiter.TokensAt(now)
	return time.Duration(math.Ceil(missing * float64(tryInterval))), false
}

// forget removes the limiters that are as new ones, or all if there are none: a flood from
// so many addresses is held up by the limits of the users.
func (l *limits) forget(now time.Time) {
	for key, limiter := range l.all {
		if limiter.TokensAt(now) >= tries {
			delete(l.all, key)
		}
	}
	if len(l.all) >= maxLimiters {
		clear(l.all)
	}
}

// limitKey is what is limited of an address: of IPv6 the network of 64 bits, which one
// subscriber has.
func limitKey(addr string) string {
	a, err := netip.ParseAddrPort(addr)
	if err != nil {
		return addr
	}
	ip := a.Addr().Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	p, _ := ip.Prefix(64) // it has 128 bits
	return p.String()
}

func newLimits() limits { return limits{all: map[string]*rate.Limiter{}} }
