package cli

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/query"
)

// DeadCmd handles dead letters, in any Kafka cluster.
type DeadCmd struct {
	List  DeadListCmd  `cmd:"" help:"The dead letters with their reasons, the newest last."`
	Show  DeadShowCmd  `cmd:"" help:"All of one dead letter: where it is from, the reason, headers and value."`
	Retry DeadRetryCmd `cmd:"" help:"Produce the records again, when the reason has been removed."`
	Drop  DeadDropCmd  `cmd:"" help:"Take dead letters off the list for good."`
}

// DeadListCmd lists dead letters.
type DeadListCmd struct {
	ClusterFlags
	DeadFilterFlags
	By string `enum:"reason," default:"" placeholder:"reason" env:"-" help:"Count them by reason instead, the most frequent first."`
}

// Help is the rest of --help.
func (*DeadListCmd) Help() string {
	return `Columns: written (when the sink gave the record up), key (topic/partition/offset of the record), camera (if known), bytes (of its value), kept (whole, cut, or batch), reason (its first line). With --by reason: reason (numbers and names left out as …), dead_letters, first, last, and the key of the last one.

` + WhenHelp
}

// Run implements the command.
func (c *DeadListCmd) Run(ctx context.Context, env *Env) error {
	letters, _, err := c.letters(ctx, env, &c.ClusterAddress)
	if err != nil || len(letters) == 0 && c.Format == "table" {
		return err
	}
	if c.By != "" {
		return c.print(env, byReason(letters))
	}
	t := &query.Table{Columns: []string{"written", "key", "camera", "bytes", "kept", "reason"}}
	for i := range letters {
		d := &letters[i]
		var camera any
		if d.Camera != "" {
			camera = d.Camera
		}
		t.Rows = append(t.Rows, []any{stamp(d.Written), d.Key, camera, count(d.Size), kept(d), firstLine(d.Cause)})
	}
	return c.print(env, t)
}

// byReason counts dead letters by the kind of their reason, the most frequent first.
func byReason(letters []kafka.DeadLetter) *query.Table {
	type group struct {
		reason      string
		n           int64
		first, last *kafka.DeadLetter
	}
	var groups []*group
	index := make(map[string]*group)
	for i := range letters {
		reason := kindOfReason(letters[i].Cause)
		g, ok := index[reason]
		if !ok {
			g = &group{reason: reason, first: &letters[i]}
			index[reason], groups = g, append(groups, g)
		}
		g.n++
		g.last = &letters[i]
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return int(b.n - a.n) })
	t := &query.Table{Columns: []string{"reason", "dead_letters", "first", "last", "key"}}
	for _, g := range groups {
		t.Rows = append(t.Rows, []any{g.reason, count(g.n), stamp(g.first.Written), stamp(g.last.Written), g.last.Key})
	}
	return t
}

func count(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

// kept names what a dead letter has of its record.
func kept(d *kafka.DeadLetter) string {
	switch {
	case d.Batch:
		return "batch"
	case !d.Whole():
		return "cut"
	}
	return "whole"
}
