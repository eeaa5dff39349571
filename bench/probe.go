package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/internal/backoff"
	"github.com/sightlog/sightlog/pipeline"
)

// The probe looks for one new row after the other, in turn of each camera, at most so
// often; shortly before a row is expected it asks every probeEvery.
const (
	sampleEvery = 250 * time.Millisecond
	probeEvery  = 250 * time.Microsecond
	probeLead   = 2 * time.Millisecond // before the earliest that was seen so far
	probeLimit  = 30 * time.Second     // for a row
)

// probe is a session of its own that asks when rows are visible. It never waits for the
// session that writes.
//
//	question, without the row ──► question, with the row ──► answer
//	                          └────── visible somewhere ──────┘
//
// The time of a sample is that of the answer. ProbeGap has the length of that interval, by
// which it may be too late.
type probe struct {
	conn    *pgx.Conn // nil: there is none; then there are no samples
	pid     int       // of the server's process
	version string
	stated  string

	names         []string
	cameras       []int32 // ids in the tables
	interval      time.Duration
	visible, gaps *result.Histogram
	earliest      time.Duration // due to visible, of the samples so far; 0: none yet

	spent time.Duration // CPU time of the thread that asks

	cancel context.CancelFunc
	done   chan struct{} // closed when the samples are complete
}

// openProbe connects. Without a connection there are no samples.
func openProbe(ctx context.Context, url string, cams []pipeline.CameraStatus) *probe {
	p := &probe{visible: result.NewHistogram(), gaps: result.NewHistogram()}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return p
	}
	p.conn, p.pid = conn, int(conn.PgConn().PID())
	var fsync, commit string
	err = conn.QueryRow(ctx, "SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')").Scan(&p.version, &fsync, &commit)
	if err == nil {
		p.stated = fmt.Sprintf("fsync %s, synchronous_commit %s", fsync, commit)
	}
	for _, c := range cams {
		p.names = append(p.names, c.ID)
	}
	if err != nil {
		p.shut()
	}
	return p
}

// begin starts to sample frames that are so far apart.
func (p *probe) begin(interval time.Duration) {
	if p.conn == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.interval, p.cancel, p.done = interval, cancel, make(chan struct{})
	go func() {
		defer close(p.done)
		// A thread of its own, so that its time can be told from that of the sinks.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		before := threadTime()
		defer func() { p.spent = threadTime() - before }()
		if p.findCameras(ctx) != nil {
			return
		}
		for i := 0; ctx.Err() == nil; i++ {
			began := time.Now()
			if p.sample(ctx, p.cameras[i%len(p.cameras)], began) != nil {
				return // the end, or a database that is gone: the sinks report that
			}
			if backoff.Sleep(ctx, sampleEvery-time.Since(began)) != nil {
				return
			}
		}
	}()
}

// findCameras waits until each camera is in the tables: it is with its first sighting.
func (p *probe) findCameras(ctx context.Context) error {
	for {
		rows, err := p.conn.Query(ctx, "SELECT id FROM cameras WHERE name = ANY($1) ORDER BY id", p.names)
		if err != nil {
			return err
		}
		if p.cameras, err = pgx.CollectRows(rows, pgx.RowTo[int32]); err != nil || len(p.cameras) == len(p.names) {
			return err
		}
		if err := backoff.Sleep(ctx, sampleEvery); err != nil {
			return err
		}
	}
}

// close ends the session and returns the samples.
func (p *probe) close() (visible, gaps *result.Histogram) {
	if p.cancel != nil {
		p.cancel()
		<-p.done
	}
	p.shut()
	return p.visible, p.gaps
}

func (p *probe) shut() {
	if p.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = p.conn.Close(ctx) // it has answered all that was asked
		p.conn = nil
	}
}

// The newest visible frame of a camera, and the first one after it.
const (
	newestFrame = "SELECT captured_at FROM sightings WHERE camera_id = $1 ORDER BY captured_at DESC LIMIT 1"
	nextFrame   = "SELECT captured_at FROM sightings WHERE camera_id = $1 AND captured_at > $2 ORDER BY captured_at LIMIT 1"
)

// due asks when a frame was due, zero if there is none.
func (p *probe) due(ctx context.Context, question string, args ...any) (due time.Time, err error) {
	err = p.conn.QueryRow(ctx, question, args...).Scan(&due)
	if errors.Is(err, pgx.ErrNoRows) {
		return time.Time{}, nil
	}
	return due, err
}

// sample waits for the row of the camera's first frame that is due after from. It is chosen
// by its due time: a frame that happens to be under way is more likely a slow one. While
// the probe waits for a row that is late it takes no other samples, which would have been
// late too: they are counted as if it had, each sampleEvery less late than the one before
// (the correction of HdrHistogram for coordinated omission).
func (p *probe) sample(ctx context.Context, camera int32, from time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	newest, err := p.due(ctx, newestFrame, camera)
	if err != nil {
		return err
	}
	if next := nextDue(newest, from, p.interval); p.earliest > 0 {
		if err := backoff.Sleep(ctx, time.Until(next.Add(p.earliest-probeLead))); err != nil {
			return err
		}
	}
	for before := from; ; {
		question := time.Now()
		due, err := p.due(ctx, nextFrame, camera, from)
		if err != nil {
			return err
		}
		if !due.IsZero() {
			p.observe(due, before, time.Now())
			return nil
		}
		before = question
		if err := backoff.Sleep(ctx, probeEvery); err != nil {
			return err
		}
	}
}

// nextDue is when the first frame after from is due, judged from another frame of the
// camera; from itself if there is none.
func nextDue(frame, from time.Time, interval time.Duration) time.Time {
	if frame.IsZero() || interval <= 0 {
		return from
	}
	if past := from.Sub(frame); past >= 0 {
		return frame.Add((past/interval + 1) * interval)
	}
	return frame
}

// observe counts a frame whose row was not there at the question before, and was in the
// answer.
func (p *probe) observe(due, before, answer time.Time) {
	took := answer.Sub(due)
	for late := took; late > 0; late -= sampleEvery {
		p.visible.Add(late)
	}
	if before.Before(due) { // a row is not visible before its frame is due
		before = due
	}
	p.gaps.Add(answer.Sub(before))
	if p.earliest == 0 || took < p.earliest {
		p.earliest = took
	}
}

// threadTime is the CPU time of the calling thread.
func threadTime() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
