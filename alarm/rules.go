package alarm

import (
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/sightlog/sightlog/alarm/rule"
)

// Config is what alarms are made of.
type Config struct {
	Rules     []rule.Rule
	Receivers []rule.Receiver
	Places    map[string][]string // CAMERA/LINE of each place

	Now     func() time.Time      // default time.Now
	Log     *slog.Logger          // default: discard
	Metrics prometheus.Registerer // default: none
}

// Rules are the rules of a process, and what they need to write alarms.
type Rules struct {
	all       []rule.Rule
	receivers []rule.Receiver
	byCamera  map[string][]*rule.Rule // of the kinds that look at sightings and crossings
	byLine    map[string][]*rule.Rule // of places, by the lines that count into them
	timed     []*rule.Rule            // of the kinds that the ticker looks at
	now       func() time.Time
	log       *slog.Logger
	found     *prometheus.CounterVec
}

// New returns the rules.
func New(cfg Config) *Rules {
	a := &Rules{
		all: slices.Clone(cfg.Rules), receivers: cfg.Receivers, now: cfg.Now, log: cfg.Log,
		byCamera: make(map[string][]*rule.Rule), byLine: make(map[string][]*rule.Rule),
	}
	if a.now == nil {
		a.now = time.Now
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	a.found = promauto.With(cfg.Metrics).NewCounterVec(prometheus.CounterOpts{
		Namespace: "sightlog", Subsystem: "alarms", Name: "found_total",
		Help: "Alarms that began, by rule and whether they are sent: yes, old, cooldown.",
	}, []string{"rule", "sent"})
	for i := range a.all {
		r := &a.all[i]
		switch {
		case r.Place != "":
			a.timed = append(a.timed, r)
			for _, line := range cfg.Places[r.Place] {
				a.byLine[line] = append(a.byLine[line], r)
			}
		case r.Kind == rule.Blind:
			a.timed = append(a.timed, r)
		default:
			a.byCamera[r.Camera] = append(a.byCamera[r.Camera], r)
		}
	}
	return a
}
