package auth

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func newSessions(now *time.Time) *sessions {
	return &sessions{now: func() time.Time { return *now }, all: map[string]session{}}
}

func TestSessions_IdleAndOld_End(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := newSessions(&now)
	idle, _ := s.begin("kim", "h")
	used, made := s.begin("kim", "h")
	require.NotEqual(t, idle, used)
	require.NotContains(t, s.all, used, "the value of the cookie is not kept")
	begun := now
	for now.Sub(begun) < lastFor {
		got, found := s.get(used)
		require.True(t, found, "used again and again")
		require.Equal(t, made.csrf, got.csrf)
		now = now.Add(idleFor - time.Second)
	}
	_, found := s.get(used)
	require.False(t, found, "too old")
	_, found = s.get(idle)
	require.False(t, found, "idle")
	require.Empty(t, s.all)

	idle, _ = s.begin("kim", "h")
	now = now.Add(idleFor)
	_, found = s.get(idle)
	require.False(t, found)
}

func TestSessions_ManyOfOneUser_OldestEnd(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := newSessions(&now)
	other, _ := s.begin("lee", "h")
	first, _ := s.begin("kim", "h")
	for range maxSessionsOfUser {
		now = now.Add(time.Second)
		s.begin("kim", "h")
	}
	_, found := s.get(first)
	require.False(t, found)
	_, found = s.get(other)
	require.True(t, found, "another user's are not touched")
	require.Len(t, s.all, maxSessionsOfUser+1)
}

func TestLimits_Tries_ThenOneInEachInterval(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	l := newLimits()
	for range tries {
		_, ok := l.take("a", now)
		require.True(t, ok)
	}
	wait, ok := l.take("a", now)
	require.False(t, ok)
	require.Equal(t, tryInterval, wait)
	_, ok = l.take("b", now)
	require.True(t, ok, "of its own")
	now = now.Add(wait)
	_, ok = l.take("a", now)
	require.True(t, ok)
	_, ok = l.take("a", now)
	require.False(t, ok)
}

func TestLimits_FloodOfAddresses_Bounded(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	l := newLimits()
	for i := range 3 * maxLimiters {
		l.take(fmt.Sprint(i), now)
	}
	require.LessOrEqual(t, len(l.all), maxLimiters)
}

func TestLimitKey_Addresses_NetworkOfASubscriber(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"192.0.2.7:1234": "192.0.2.7", "[::ffff:192.0.2.7]:1": "192.0.2.7", "[2001:db8:1:2:3::4]:1": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:1": "fe80::/64", "@": "@",
	} {
		require.Equal(t, want, limitKey(addr))
	}
}
