package pipeline

import (
	"context"
	"sync"
	"time"

	"github.com/sightlog/sightlog/sink"
)

// progressTotals adds up the reports of the detect children and the sinks.
type progressTotals struct {
	start time.Time

	mu      sync.Mutex              // guards the following
	number  int                     // of the newest child
	now     Status                  // of the newest child
	before  map[string]CameraStatus // counts of the children before it, by camera; Next and AtEnd of the first
	rows    int64
	latency window
	frames  int64     // at the last report
	at      time.Time // of the last report
	fps     float64
}

func newProgressTotals() *progressTotals {
	return &progressTotals{start: time.Now(), before: make(map[string]CameraStatus)}
}

// child records the newest status of a child.
func (m *progressTotals) child(number int, s Status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if number != m.number {
		for _, c := range m.cameras() {
			m.before[c.ID] = c
		}
		m.number, m.now = number, Status{}
	}
	m.now = s
}

// status returns the newest child's status.
func (m *progressTotals) status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// allCameras is cameras, for callers that do not hold mu.
func (m *progressTotals) allCameras() []CameraStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cameras()
}

// cameras returns the newest child's cameras, with the counts of the children before
// added. The caller holds mu.
func (m *progressTotals) cameras() []CameraStatus {
	all := make([]CameraStatus, len(m.now.Cameras))
	for i, c := range m.now.Cameras {
		if was, again := m.before[c.ID]; again {
			c.Next, c.AtEnd = was.Next, was.AtEnd
			c.Frames += was.Frames
			c.Objects += was.Objects
			c.Dropped += was.Dropped
			c.Skipped += was.Skipped
			c.Failed += was.Failed
			c.Jumps += was.Jumps
			c.Lost += was.Lost
			c.Inference.add(was.Inference)
			c.Produce.add(was.Produce)
			c.Sent += was.Acked // frames whose sightings were not acknowledged are processed again
			c.Acked += was.Acked
		}
		all[i] = c
	}
	return all
}

func (m *progressTotals) commit(c sink.Commit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows += int64(c.Sightings)
	for _, d := range c.EndToEnd {
		m.latency.add(d)
	}
}

// report returns the progress and hands it to f.
func (m *progressTotals) report(ctx context.Context, s *Services, f func(Progress)) Progress {
	inLog, problems := s.check(ctx)
	m.mu.Lock()
	p := Progress{
		Elapsed: time.Since(m.start), Cameras: m.cameras(),
		Rows: m.rows, Lag: totalLag(inLog, m.now.unacknowledged()), InLog: inLog, Problems: append(problems, m.now.Problems()...),
		P50: m.latency.quantile(0.50), P99: m.latency.quantile(0.99),
	}
	for _, c := range p.Cameras {
		p.Frames += c.Frames
		p.Objects += c.Objects
		p.People += c.People
	}
	if t := time.Now(); p.Frames != m.frames || t.Sub(m.at) > time.Second {
		if !m.at.IsZero() {
			m.fps = float64(p.Frames-m.frames) / t.Sub(m.at).Seconds()
		}
		m.frames, m.at = p.Frames, t
	}
	p.FPS = m.fps
	m.mu.Unlock()
	if f != nil {
		f(p)
	}
	return p
}

// Progress is the state of a run.
type Progress struct {
	Elapsed time.Duration
	Cameras []CameraStatus
	Frames  int64 // processed since the start
	Objects int64
	People  int // in the newest frames
	FPS     float64
	Rows    int64 // sightings committed since the start
	Lag     int64 // sightings and other records that are not in the tables yet, -1 while unknown
	InLog   int64 // those of Lag that are in the log
	P50     time.Duration
	P99     time.Duration // end to end, of the newest sightings; 0 without any

	Problems []string // as RunConfig.Watch
}
