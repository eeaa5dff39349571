package cli

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// DeadFilterFlags narrow the dead letters.
type DeadFilterFlags struct {
	Topic  string `enum:"sightings,crossings,runs,snapshots," default:"" placeholder:"TOPIC" env:"-" help:"Only records of this topic: sightings, crossings, runs or snapshots."`
	Reason string `placeholder:"TEXT" env:"-" help:"Only those whose reason has this text, in any case."`
	Since  When   `placeholder:"TIME" env:"-" help:"Only dead letters written at or after this time: 1h (ago), 10:30, yesterday, '2026-11-25 10:00' (local time), 2026-11-25T10:00:00Z."`
	Until  When   `placeholder:"TIME" env:"-" help:"Only dead letters written before this time."`
}

// any reports whether a filter is set.
func (f *DeadFilterFlags) any() bool {
	return f.Topic != "" || f.Reason != "" || !f.Since.IsZero() || !f.Until.IsZero()
}

// letters returns the dead letters that match, the newest last, and the cluster. It
// prints on standard error if there are none.
func (f *DeadFilterFlags) letters(ctx context.Context, env *Env, at *ClusterAddress) ([]kafka.DeadLetter, kafka.Config, error) {
	if err := checkSpan(env, f.Since, f.Until); err != nil {
		return nil, kafka.Config{}, err
	}
	topics := kafka.Topics()
	if f.Topic != "" {
		topics = []string{f.Topic}
	}
	all, cfg, err := readDeadLetters(ctx, at, topics...)
	if err != nil {
		return nil, cfg, err
	}
	found := slices.DeleteFunc(slices.Clone(all), func(d kafka.DeadLetter) bool { return !f.matches(&d) })
	switch {
	case len(found) > 0:
	case len(all) > 0:
		fmt.Fprintf(env.Stderr, "no dead letter matches; without a filter there are %d\n", len(all))
	default:
		fmt.Fprintln(env.Stderr, "there are no dead letters")
	}
	return found, cfg, nil
}

func (f *DeadFilterFlags) matches(d *kafka.DeadLetter) bool {
	if !f.Since.IsZero() && d.Written.Before(f.Since.Time) || !f.Until.IsZero() && !d.Written.Before(f.Until.Time) {
		return false
	}
	text := strings.ToLower(f.Reason)
	return strings.Contains(strings.ToLower(d.Cause), text) || strings.Contains(strings.ToLower(kindOfReason(d.Cause)), text)
}

// readDeadLetters returns the dead letters of topics, and the cluster.
func readDeadLetters(ctx context.Context, at *ClusterAddress, topics ...string) ([]kafka.DeadLetter, kafka.Config, error) {
	cfg, err := at.config()
	if err != nil {
		return nil, cfg, err
	}
	cl, err := cfg.Client()
	if err != nil {
		return nil, cfg, err
	}
	defer cl.Close()
	reaching, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := reach(reaching, cfg, kadm.NewClient(cl)); err != nil {
		return nil, cfg, err
	}
	all, err := kafka.ReadDeadLetters(ctx, cfg, topics...)
	return all, cfg, err
}

// particulars are the parts of a reason that differ from record to record: quoted names
// that have a digit or a slash (events, partitions of tables), and numbers. The number of
// an SQLSTATE is none.
var particulars = regexp.MustCompile(`SQLSTATE [0-9A-Z]{5}|"[^"]*[0-9/][^"]*"|\b[0-9]+(\.[0-9]+)?\b`)

// kindOfReason returns the first line of a reason without its particulars.
func kindOfReason(reason string) string {
	return particulars.ReplaceAllStringFunc(firstLine(reason), func(s string) string {
		if strings.HasPrefix(s, "SQLSTATE") {
			return s
		}
		return "…"
	})
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// DeadSelection chooses the dead letters of a command that changes something.
type DeadSelection struct {
	ClusterAddress
	Key []string `arg:"" optional:"" help:"Keys of dead letters, as dead list prints them: topic/partition/offset."`
	All bool     `env:"-" help:"All of them."`
	DeadFilterFlags
}

// selected returns the dead letters that the user chose, and the cluster. None matching a
// filter is no error: it is printed on standard error.
func (s *DeadSelection) selected(ctx context.Context, env *Env) ([]kafka.DeadLetter, kafka.Config, error) {
	ways := 0
	for _, way := range []bool{len(s.Key) > 0, s.All, s.any()} {
		if way {
			ways++
		}
	}
	switch {
	case ways == 0:
		return nil, kafka.Config{}, usage.New("give their keys, --reason TEXT (or another filter), or --all", "no dead letters are chosen")
	case ways > 1:
		return nil, kafka.Config{}, usage.New("give only one of them", "keys, filters and --all exclude each other")
	case len(s.Key) > 0:
		return lettersOf(ctx, env, &s.ClusterAddress, s.Key...)
	}
	return s.letters(ctx, env, &s.ClusterAddress)
}

// lettersOf returns the dead letters with these keys, and the cluster. A key may have
// several, where the log was replaced.
func lettersOf(ctx context.Context, env *Env, at *ClusterAddress, keys ...string) ([]kafka.DeadLetter, kafka.Config, error) {
	var topics []string
	for _, key := range keys {
		topic, _, _ := strings.Cut(key, "/")
		if !slices.Contains(kafka.Topics(), topic) || !keyForm.MatchString(key) {
			return nil, kafka.Config{}, usage.New("write topic/partition/offset, as "+env.Name+" dead list does", "%q is no key of a dead letter", key)
		}
		if !slices.Contains(topics, topic) {
			topics = append(topics, topic)
		}
	}
	all, cfg, err := readDeadLetters(ctx, at, topics...)
	if err != nil {
		return nil, cfg, err
	}
	for _, key := range keys {
		if !slices.ContainsFunc(all, func(d kafka.DeadLetter) bool { return d.Key == key }) {
			return nil, cfg, usage.New(env.Name+" dead list shows those that exist", "%s is no dead letter, or has been retried or dropped", key)
		}
	}
	return slices.DeleteFunc(all, func(d kafka.DeadLetter) bool { return !slices.Contains(keys, d.Key) }), cfg, nil
}

var keyForm = regexp.MustCompile(`^[^/]+/[0-9]+/[0-9]+$`)
