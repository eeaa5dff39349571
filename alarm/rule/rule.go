package rule

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is what a rule looks at.
type Kind string

// The kinds of rules.
const (
	Presence  Kind = "presence"  // objects of a class in a camera's picture or zone
	Occupancy Kind = "occupancy" // people in a zone, a picture or a place
	Queue     Kind = "queue"     // people in a zone
	Blind     Kind = "blind"     // a camera of which nothing comes
	Crossing  Kind = "crossing"  // each crossing of a line
	Loitering Kind = "loitering" // each long stay in a zone
)

// Rule is one rule, with the options of its entry in the configuration.
type Rule struct {
	Name string
	Text string // as it was written
	Kind Kind

	Class     string // of the objects; "" of Crossing and Loitering: any
	Camera    string // "" of a place
	Zone      string
	Line      string
	Direction string // in or out; "": both
	Place     string // of Occupancy
	Op        string // >, >=, < or <=
	N         int
	For       time.Duration
	Window    *Window // nil: always

	name string // of occupancy and queue, until Resolve knows what it names

	To       []string      // names of receivers; nil: all
	Cooldown time.Duration // alarms that begin within it after one that was sent are not sent
	Clear    time.Duration // how long the condition has not to hold for the alarm to end
	MaxAge   time.Duration // alarms that are older when they are found are not sent
	TZ       *time.Location
}

// Defaults of the options.
const (
	DefaultClear  = 10 * time.Second
	DefaultMaxAge = time.Hour
)

// Flicker is how long the condition may fail before its alarm has begun: a detector misses
// a person in some frames.
const Flicker = 2 * time.Second

// Subject names what the rule looks at: camera/zone, camera/line, a place or a camera.
func (r *Rule) Subject() string {
	switch {
	case r.Place != "":
		return r.Place
	case r.Zone != "":
		return r.Camera + "/" + r.Zone
	case r.Line != "":
		return r.Camera + "/" + r.Line
	}
	return r.Camera
}

// Over reports whether n meets the rule's comparison.
func (r *Rule) Over(n int) bool {
	switch r.Op {
	case ">":
		return n > r.N
	case ">=":
		return n >= r.N
	case "<":
		return n < r.N
	}
	return n <= r.N
}

// At reports whether the rule applies at a time.
func (r *Rule) At(t time.Time) bool { return r.Window == nil || r.Window.Contains(t.In(r.location())) }

func (r *Rule) location() *time.Location {
	if r.TZ == nil {
		return time.UTC
	}
	return r.TZ
}

// Sends reports whether alarms of the rule go to a receiver.
func (r *Rule) Sends(receiver string) bool {
	if slices.Contains(r.To, receiver) {
		return true
	}
	return r.To == nil
}

// Message says in a sentence what has happened. value is the count of the kinds that count.
func (r *Rule) Message(value int) string {
	where := strings.ReplaceAll(r.Subject(), "/", ", ")
	switch r.Kind {
	case Presence:
		return fmt.Sprintf("%d × %s in %s", value, r.Class, where)
	case Occupancy:
		return fmt.Sprintf("%d people in %s (%s %d)", value, where, r.Op, r.N)
	case Queue:
		return fmt.Sprintf("%d people wait at %s (%s %d)", value, where, r.Op, r.N)
	case Blind:
		return fmt.Sprintf("nothing comes from camera %s", where)
	case Crossing:
		return fmt.Sprintf("line %s crossed", where)
	}
	return fmt.Sprintf("somebody stays in %s", where)
}
