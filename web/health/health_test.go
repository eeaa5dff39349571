package health

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/sink"
)

// Each fault is said of its part, with what to do, and the worst is the whole's.
func TestConfig_Faults_WordsAndFix(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	running := pipeline.CameraStatus{ID: "door", State: pipeline.Running, Live: true, Frames: 100}
	for name, c := range map[string]struct {
		facts   pipeline.Facts
		cameras []pipeline.CameraStatus
		part    string
		level   Level
		says    string
	}{
		"well":                         {pipeline.Facts{OwnBroker: true}, []pipeline.CameraStatus{running}, "lag", OK, "Everything in the log"},
		"broker":                       {pipeline.Facts{Broker: "the disk of the log is full"}, []pipeline.CameraStatus{running}, "broker", Bad, "disk of the log is full"},
		"lag unknown":                  {pipeline.Facts{Lag: -1, LagError: "no answer"}, []pipeline.CameraStatus{running}, "broker", Bad, "no answer"},
		"lag unknown without database": {pipeline.Facts{Lag: -1, LagError: "no answer", Database: "gone"}, []pipeline.CameraStatus{running}, "broker", OK, "without the database"},
		"tables behind":                {pipeline.Facts{Lag: 1_000_000}, []pipeline.CameraStatus{running}, "lag", Warning, "1000000 records"},
		"stopped":                      {pipeline.Facts{Blocked: []sink.PartitionState{{Topic: "sightings", State: sink.Stopped, Reason: "another log"}}}, []pipeline.CameraStatus{running}, "lag", Bad, "another log"},
		"database":                     {pipeline.Facts{Database: "No space left on device"}, []pipeline.CameraStatus{running}, "database", Bad, "No space left"},
		"no camera":                    {pipeline.Facts{}, nil, "cameras", Warning, "Detect is starting"},
		"log does not ack":             {pipeline.Facts{}, []pipeline.CameraStatus{{ID: "door", State: pipeline.Running, Waiting: "the log does not answer"}}, "cameras", Bad, "does not answer"},
		"away":                         {pipeline.Facts{}, []pipeline.CameraStatus{{ID: "door", State: pipeline.Opening, Retry: time.Now().Add(time.Minute)}}, "cameras", Bad, "it is tried again in"},
		"damaged":                      {pipeline.Facts{}, []pipeline.CameraStatus{{ID: "door", State: pipeline.Ended, Damage: "frames are missing"}}, "cameras", Warning, "frames are missing"},
		"slow":                         {pipeline.Facts{}, []pipeline.CameraStatus{{ID: "door", State: pipeline.Running, Live: true, Frames: 100, Dropped: 900}}, "detector", Warning, "too slow for camera door: 900 of 1000"},
		"failed":                       {pipeline.Facts{}, []pipeline.CameraStatus{{ID: "door", State: pipeline.Running, Frames: 100, Failed: 3}}, "detector", Warning, "failed on 3 frames"},
	} {
		h := &Config{
			Facts: func(context.Context) pipeline.Facts { return c.facts }, Pool: pool, Log: slog.New(slog.DiscardHandler),
			Status: func() pipeline.Status { return pipeline.Status{Cameras: c.cameras} },
		}
		w := httptest.NewRecorder()
		h.Routes()[0].Handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/health", nil))
		var got Health
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got), name)
		found := false
		for _, p := range got.Parts {
			if p.Name == "clock" || p.Name == "disk" {
				continue // this machine's
			}
			require.Equal(t, p.Level == OK, p.Fix == "", "%s: %+v", name, p)
			if p.Name == c.part && p.Level == c.level {
				require.Contains(t, p.Detail, c.says, name)
				found = true
			}
		}
		require.True(t, found, "%s: %+v", name, got.Parts)
		if c.level == Bad {
			require.Equal(t, Bad, got.Level, name)
		}
	}
}

// A camera that sends nothing, and a disk that fills, show between two samples.
func TestConfig_TwoSamples_StallAndDisk(t *testing.T) {
	t.Parallel()
	cam := pipeline.CameraStatus{ID: "door", Run: "r", State: pipeline.Running, Live: true, Frames: 100}
	c := &Config{Status: func() pipeline.Status { return pipeline.Status{} }}
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	before := sample{at: at, cameras: []pipeline.CameraStatus{cam}, free: 500 << 30, size: 1000 << 30}
	c.before = []sample{before}
	now := before
	now.at, now.free = at.Add(time.Hour), 490<<30
	parts := c.cameras(now)
	require.Equal(t, Bad, parts[0].Level)
	require.Contains(t, parts[0].Detail, "has sent no picture")
	moving := now
	moving.cameras = []pipeline.CameraStatus{{ID: "door", Run: "r", State: pipeline.Running, Live: true, Frames: 100, Skipped: 1}}
	require.Equal(t, []Part{{Name: "cameras", Level: OK, Detail: "1 camera is well."}}, c.cameras(moving))

	p, ok := c.disk(now)
	require.True(t, ok)
	require.Equal(t, Part{Name: "disk", Level: Warning, Detail: "526 GB of 1.1 TB are free; full in about 2 days at this rate.",
		Fix: "Free space, keep rows for a shorter time (--keep), or store fewer of them (--store people)."}, p)
	soon := now
	soon.at, soon.free = at.Add(time.Hour), 220<<30
	p, _ = c.disk(soon)
	require.Contains(t, p.Detail, "full in about 1 hour at this rate")
	soon.at = at.Add(5 * time.Minute) // too early to tell
	p, _ = c.disk(soon)
	require.NotContains(t, p.Detail, "full in")
	require.Equal(t, OK, p.Level)
	now.free = before.free
	p, _ = c.disk(now)
	require.Equal(t, OK, p.Level)
	now.free = 1 << 20
	p, _ = c.disk(now)
	require.Equal(t, Bad, p.Level)
}

// Receivers of alarms are a part: what fails, what waits since when, and what was given up.
func TestConfig_Receivers_WhatFailsAndWaits(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	facts := pipeline.Facts{Receivers: []string{"hook", "mail"}}
	h := &Config{Facts: func(context.Context) pipeline.Facts { return facts }, Pool: pool, Log: slog.New(slog.DiscardHandler)}
	part := func() Part {
		t.Helper()
		p, are := h.receivers(t.Context(), facts)
		require.True(t, are)
		return p
	}
	require.Equal(t, Part{Name: "receivers", Level: OK, Detail: "2 receivers of alarms take what is sent."}, part())
	write := func(sql string) {
		t.Helper()
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	write("INSERT INTO alarm_deliveries (receiver, message_id, event, payload, due, dead_at) VALUES ('hook', 'a', 'began', '{}', now(), now()), ('other', 'b', 'began', '{}', now(), now())")
	require.Contains(t, part().Detail, "1 message was refused")
	write("INSERT INTO alarm_deliveries (receiver, message_id, event, payload, due, attempts, created_at) VALUES ('mail', 'c', 'began', '{}', now(), 3, '2026-11-27 05:00Z'), ('mail', 'd', 'began', '{}', now(), 0, now()), ('hook', 'e', 'began', '{}', now(), 0, now())")
	require.Equal(t, Warning, part().Level)
	require.Equal(t, "mail: messages are not taken; 2 messages wait, the oldest of 27 November 05:00 UTC.", part().Detail)
	facts.ReceiverProblems = []string{"receiver mail does not take alarms: refused"}
	require.Equal(t, "receiver mail does not take alarms: refused; 2 messages wait, the oldest of 27 November 05:00 UTC.", part().Detail)
	facts.Receivers = nil
	_, are := h.receivers(t.Context(), facts)
	require.False(t, are)
}
