package catchup

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/bench/service"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// Config is a backlog, and what it is written by and into.
type Config struct {
	Kafka kafka.Config  // a broker without topics
	Pool  *pgxpool.Pool // of a database whose tables are made, and empty
	Dir   string        // for the files of COPY

	Sightings, People, Cameras int // of the backlog; people of each sighting
	Partitions                 int32
	Rounds                     int
	Rate                       float64       // sightings a second, after the rounds; 0: none
	Duration                   time.Duration // of it, for each round

	// Start starts a sink.
	Start func() (*service.Program, error)
	// Server returns the processor time that the database server has used; nil: it is not known.
	Server func() (time.Duration, error)
	// Settle, if set, has the server write what it keeps in memory, so that a round does not
	// pay for the one before.
	Settle func(context.Context) error
	// Progress, if set, is called when a part of the run begins.
	Progress func(what string)
}

// Check returns a *usage.Error for a run that cannot be.
func (c *Config) Check() error {
	for _, n := range []struct {
		name     string
		is       float64
		from, to float64
	}{
		{"sightings", float64(c.Sightings), 1, 100_000_000},
		{"people", float64(c.People), 0, 100},
		{"cameras", float64(c.Cameras), 1, 1000},
		{"partitions", float64(c.Partitions), 1, 1000},
		{"rounds", float64(c.Rounds), 1, 1000},
		{"rate", c.Rate, 0, 1_000_000},
		{"duration", c.Duration.Seconds(), 0.01, 86_400},
	} {
		if !(n.is >= n.from && n.is <= n.to) {
			return usage.New(fmt.Sprintf("give %g to %g", n.from, n.to), "--%s %g", n.name, n.is)
		}
	}
	return nil
}

// run is a run in progress.
type run struct {
	Config
	report *result.Report
	log    *kgo.Client // produces, and asks for the log's end
}

// rows is how many rows a number of sightings is: one each, and one for each detection.
func (r *run) rows(sightings int) float64 { return float64(sightings) * float64(1+r.People) }

// server returns the processor time of the database server, 0 if it is not known.
func (r *run) server() (time.Duration, error) {
	if r.Server == nil {
		return 0, nil
	}
	return r.Server()
}

func (r *run) settle(ctx context.Context) error {
	if r.Settle == nil {
		return nil
	}
	return r.Settle(ctx)
}
