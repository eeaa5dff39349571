package compare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/bench"
	"github.com/sightlog/sightlog/bench/baseline"
	"github.com/sightlog/sightlog/bench/host"
	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/bench/service"
	"github.com/sightlog/sightlog/internal/backoff"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/postgres"
)

const (
	readyTimeout = time.Minute // of Python's programs
	rowsTimeout  = 2 * time.Minute
	rowsEvery    = 50 * time.Millisecond
)

// camera is one in the config of the programs.
type camera struct {
	ID    int    `json:"id"`
	RunID int    `json:"run_id"`
	Name  string `json:"name"`
	Clip  string `json:"clip"`
}

// programConfig is what the programs of bench/baseline read.
type programConfig struct {
	Mode     string   `json:"mode"` // tuned, naive
	Brokers  string   `json:"brokers"`
	Topic    string   `json:"topic"`
	Database string   `json:"database"`
	Model    string   `json:"model"`
	Side     int      `json:"side"`
	Threads  int      `json:"threads"`
	FPS      float64  `json:"fps"`
	Length   int64    `json:"length_us"`
	Cameras  []camera `json:"cameras"`
}

// side is one round of a baseline.
type side struct {
	*Config
	name  string // Tuned, Naive
	dir   string
	kafka *kafka
	db    *pgxpool.Pool
	sinks []*service.Program
	file  string // of programConfig
}

// measured is the outcome of a side.
type measured struct {
	round    result.Round
	correct  result.Correctness
	usage    host.Usage
	startup  time.Duration
	postgres string
	stated   string
}

// run measures the round.
func (s *side) run(ctx context.Context) (m measured, err error) {
	began := time.Now()
	if s.dir, err = host.Scratch(s.Dir); err != nil {
		return m, fmt.Errorf("make a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
	if err := putPrograms(s.dir); err != nil {
		return m, fmt.Errorf("write the programs of the baseline: %w", err)
	}
	stop, url, err := s.openDatabase(ctx)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if m.postgres, m.stated, err = s.describe(ctx); err != nil {
		return m, err
	}
	if s.kafka, err = startKafka(ctx, s.Tools, s.dir, s.Partitions, s.name == Tuned); err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, s.kafka.stop()) }()
	if err := s.configure(ctx, url); err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, s.stopSinks()) }()
	if err := s.startSinks(ctx); err != nil {
		return m, err
	}
	f, start, err := s.play(ctx)
	if err != nil {
		return m, err
	}
	m.startup, m.usage = start.Sub(began), f.Usage
	m.round, m.correct, err = f.Read(ctx)
	return m, err
}

// openDatabase starts a private server with the baseline's empty tables.
func (s *side) openDatabase(ctx context.Context) (stop func() error, url string, err error) {
	data := filepath.Join(s.dir, "database")
	if err := os.Mkdir(data, 0o755); err != nil {
		return nil, "", fmt.Errorf("make a directory for the database: %w", err)
	}
	p, err := postgres.StartPrivate(ctx, data, s.Log)
	if err != nil {
		return nil, "", err
	}
	stop = func() error {
		if s.db != nil {
			s.db.Close()
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), postgres.StopTimeout)
		defer cancel()
		return p.Stop(ctx)
	}
	if s.db, err = pgxpool.New(ctx, p.URL()); err != nil {
		return nil, "", errors.Join(fmt.Errorf("open the database: %w", err), stop())
	}
	tables, err := baseline.Files.ReadFile("tables.sql")
	if err == nil {
		_, err = s.db.Exec(ctx, string(tables))
	}
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("make the baseline's tables: %w", err), stop())
	}
	return stop, p.URL(), nil
}

// describe returns the server's version and what its settings promise.
func (s *side) describe(ctx context.Context) (version, stated string, err error) {
	var fsync, commit string
	err = s.db.QueryRow(ctx, "SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')").
		Scan(&version, &fsync, &commit)
	if err != nil {
		return "", "", fmt.Errorf("read the server's settings: %w", err)
	}
	log := "log: acknowledged from memory: NOT durable"
	if s.name == Tuned {
		log = "log: synced (log.flush.interval.messages=1) before it is acknowledged"
	}
	return version, log + fmt.Sprintf("; database: fsync %s, synchronous_commit %s", fsync, commit), nil
}

// configure makes the cameras' rows and writes the config of the programs.
func (s *side) configure(ctx context.Context, url string) error {
	cfg := programConfig{
		Mode: s.name, Brokers: s.kafka.addr, Topic: topic, Database: url, Model: filepath.Join(s.dir, "model.onnx"),
		Side: s.Side, Threads: s.Threads, FPS: s.FPS, Length: s.length().Microseconds(),
	}
	for i, clip := range s.Clips {
		clip, err := filepath.Abs(clip)
		if err != nil {
			return fmt.Errorf("find the clip: %w", err)
		}
		c := camera{i + 1, i + 1, "camera" + strconv.Itoa(i+1), clip}
		cfg.Cameras = append(cfg.Cameras, c)
		_, err = s.db.Exec(ctx, "WITH c AS (INSERT INTO cameras VALUES ($1, $2)) INSERT INTO runs VALUES ($1, $1, $2 || '-run')", c.ID, c.Name)
		if err != nil {
			return fmt.Errorf("make the cameras' rows: %w", err)
		}
	}
	b, err := json.Marshal(cfg)
	if err != nil {
		return fmt.Errorf("write the baseline's config: %w", err)
	}
	s.file = filepath.Join(s.dir, "config.json")
	if err := errors.Join(os.WriteFile(s.file, b, 0o600), os.WriteFile(cfg.Model, s.Model, 0o644)); err != nil {
		return fmt.Errorf("write the baseline's config: %w", err)
	}
	return nil
}

// python starts one of the programs.
func (s *side) python(program string, args ...string) (*service.Program, error) {
	return service.Start(s.Tools.Python, append([]string{filepath.Join(s.dir, program), s.file}, args...)...)
}

// startSinks starts the consumers and waits until each has partitions.
func (s *side) startSinks(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	n := 1
	if s.name == Tuned {
		n = min(s.Sinks, s.Partitions)
	}
	for i := range n {
		p, err := s.python("consume.py", strconv.Itoa(i))
		if err != nil {
			return err
		}
		s.sinks = append(s.sinks, p)
	}
	for _, p := range s.sinks {
		if _, err := p.Value(ctx, "ready"); err != nil {
			return fmt.Errorf("wait for the baseline's consumers: %w", err)
		}
	}
	return nil
}

// stopSinks ends the consumers, which write the times of their batches.
func (s *side) stopSinks() (err error) {
	for _, p := range s.sinks {
		err = errors.Join(err, p.Stop())
	}
	s.sinks = nil
	return err
}

// play plays the cameras and returns what is there when every row is, with the moment at which
// the first frame was due.
func (s *side) play(ctx context.Context) (f bench.Foreign, start time.Time, err error) {
	p, err := s.python("produce.py")
	if err != nil {
		return f, start, err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	us, err := microseconds(ctx, p)
	if err != nil {
		return f, start, fmt.Errorf("wait for the baseline's producer: %w", err)
	}
	start = time.UnixMicro(us)
	f = bench.Foreign{DB: s.db, From: start.Add(s.WarmUp), To: start.Add(s.length())}
	if f.Usage, err = s.meter(ctx, p, f.From, f.To); err != nil {
		return f, start, err
	}
	late, cancel := context.WithTimeout(ctx, s.length()+rowsTimeout) // one that is too slow for its cameras goes on
	defer cancel()
	text, err := p.Value(late, "report")
	if err != nil {
		return f, start, fmt.Errorf("wait for the baseline's producer: %w", err)
	}
	if f.Cameras, f.Interval, err = parsePlayed(text, len(s.Clips), s.length()); err != nil {
		return f, start, err
	}
	if err := s.awaitRows(ctx, f.Cameras); err != nil {
		return f, start, err
	}
	return f, start, s.stopSinks()
}

// microseconds waits for the moment at which the producer's first frame is due.
func microseconds(ctx context.Context, p *service.Program) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	text, err := p.Value(ctx, "start")
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// meter counts what the processes take between two moments. This process is no part of the baseline.
func (s *side) meter(ctx context.Context, producer *service.Program, from, to time.Time) (u host.Usage, err error) {
	parts := map[int]string{os.Getpid(): host.Probe, producer.PID(): host.Detect, s.kafka.PID(): host.Services}
	for _, p := range s.sinks {
		parts[p.PID()] = host.Services
	}
	if err := backoff.Sleep(ctx, time.Until(from)); err != nil {
		return u, err
	}
	m := host.BeginParts(parts)
	err = backoff.Sleep(ctx, time.Until(to))
	return m.End(), err
}

// awaitRows waits until there are as many rows as were sent, or there come no more: the comparison of
// rows tells what is missing.
func (s *side) awaitRows(ctx context.Context, cameras []pipeline.CameraStatus) error {
	var sent, rows int64
	for _, c := range cameras {
		sent += c.Sent
	}
	for deadline := time.Now().Add(rowsTimeout); ; {
		if err := s.db.QueryRow(ctx, "SELECT count(*) FROM sightings").Scan(&rows); err != nil {
			return fmt.Errorf("count the rows: %w", err)
		}
		if rows >= sent || time.Now().After(deadline) {
			return nil
		}
		for _, p := range s.sinks {
			if err := p.Failed(); err != nil {
				return err
			}
		}
		if err := backoff.Sleep(ctx, rowsEvery); err != nil {
			return err
		}
	}
}
