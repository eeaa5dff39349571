package auth

import (
	"sync"
	"time"
)

// Sessions end after idleFor without a request, and after lastFor in any case.
const (
	idleFor = 8 * time.Hour
	lastFor = 7 * 24 * time.Hour

	maxSessionsOfUser = 32 // the oldest ends
)

// session is one login of a user.
type session struct {
	user   string
	secret string // of the user's entry at the login: another one ends the session
	csrf   string
	begun  time.Time
	seen   time.Time // last request
}

// sessions are those of all users, by digest of the cookie's value, so that a copy of the
// process's memory is needed to take one over, not a copy of the map.
type sessions struct {
	now func() time.Time

	mu  sync.Mutex // guards all
	all map[string]session
}

// begin returns the value of the cookie of a new session.
func (s *sessions) begin(user, secret string) (cookie string, made session) {
	cookie = newSecret()
	now := s.now()
	made = session{user: user, secret: secret, csrf: newSecret(), begun: now, seen: now}
	s.mu.Lock()
	defer s.mu.Unlock()
	oldest, of := "", 0
	for id, other := range s.all {
		switch {
		case other.over(now):
			delete(s.all, id)
		case other.user == user:
			of++
			if oldest == "" || other.begun.Before(s.all[oldest].begun) {
				oldest = id
			}
		}
	}
	if of >= maxSessionsOfUser {
		delete(s.all, oldest)
	}
	s.all[digest(cookie)] = made
	return cookie, made
}

// get returns the session of a cookie and counts as its use.
func (s *sessions) get(cookie string) (session, bool) {
	id, now := digest(cookie), s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	found, is := s.all[id]
	if !is {
		return session{}, false
	}
	if found.over(now) {
		delete(s.all, id)
		return session{}, false
	}
	found.seen = now
	s.all[id] = found
	return found, true
}

func (s *sessions) end(cookie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, digest(cookie))
}

func (s session) over(now time.Time) bool {
	return now.Sub(s.seen) >= idleFor || now.Sub(s.begun) >= lastFor
}
