package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

// GroupsCmd administers the consumer groups of any Kafka cluster.
type GroupsCmd struct {
	List     GroupsListCmd     `cmd:"" help:"The groups and their states."`
	Describe GroupsDescribeCmd `cmd:"" help:"A group's members, offsets and lag."`
	Reset    GroupsResetCmd    `cmd:"" help:"Move an idle group's offsets. (Those of the sinks are in the database.)"`
}

// GroupsListCmd lists groups.
type GroupsListCmd struct{ ClusterFlags }

// Run implements the command.
func (c *GroupsListCmd) Run(ctx context.Context, env *Env) error {
	return c.ask(ctx, env, func(ctx context.Context, adm *kadm.Client) (*query.Table, error) {
		groups, err := adm.ListGroups(ctx)
		if err != nil {
			return nil, fmt.Errorf("list groups: %w", err)
		}
		t := &query.Table{Columns: []string{"group", "protocol", "state"}}
		for _, g := range groups.Sorted() {
			t.Rows = append(t.Rows, []any{g.Group, g.ProtocolType, g.State})
		}
		return t, nil
	})
}

// GroupsDescribeCmd describes a group.
type GroupsDescribeCmd struct {
	ClusterFlags
	Group string `arg:"" help:"Its name."`
}

// Run implements the command.
func (c *GroupsDescribeCmd) Run(ctx context.Context, env *Env) error {
	return c.ask(ctx, env, func(ctx context.Context, adm *kadm.Client) (*query.Table, error) {
		lags, err := adm.Lag(ctx, c.Group)
		if err != nil {
			return nil, fmt.Errorf("describe group %s: %w", c.Group, err)
		}
		g := lags[c.Group]
		if err := g.Error(); err != nil {
			return nil, refused("group", c.Group, err, "")
		}
		if g.State == "Dead" {
			return nil, usage.New("sightlogd groups list names the groups", "group %s does not exist", c.Group)
		}
		t := &query.Table{Columns: []string{"topic", "partition", "offset", "end", "lag", "client", "state"}}
		for _, l := range g.Lag.Sorted() {
			client := ""
			if l.Member != nil {
				client = l.Member.ClientID
			}
			t.Rows = append(t.Rows, []any{l.Topic, l.Partition, l.Commit.At, l.End.Offset, l.Lag, client, g.State})
		}
		return t, nil
	})
}

// GroupsResetCmd moves offsets.
type GroupsResetCmd struct {
	ClusterFlags
	Group string `arg:"" help:"Its name."`
	Topic string `required:"" env:"-" help:"The topic whose offsets move."`
	To    string `required:"" env:"-" placeholder:"start|end|TIME" help:"start, end, or a time as 2006-01-02T15:04:05Z."`
}

// Run implements the command.
func (c *GroupsResetCmd) Run(ctx context.Context, env *Env) error {
	return c.ask(ctx, env, func(ctx context.Context, adm *kadm.Client) (*query.Table, error) {
		listed, err := c.target(ctx, adm)
		if err != nil {
			return nil, err
		}
		groups, err := adm.DescribeGroups(ctx, c.Group)
		if err != nil {
			return nil, fmt.Errorf("describe group %s: %w", c.Group, err)
		}
		if g := groups[c.Group]; len(g.Members) > 0 {
			return nil, usage.New("stop them first", "group %s: it has %d members", c.Group, len(g.Members))
		}
		if err := adm.CommitAllOffsets(ctx, c.Group, listed.Offsets()); err != nil {
			return nil, refused("group", c.Group, err, "")
		}
		t := &query.Table{Columns: []string{"topic", "partition", "offset"}}
		for _, o := range listed.Offsets().Sorted() {
			t.Rows = append(t.Rows, []any{o.Topic, o.Partition, o.At})
		}
		return t, nil
	})
}

// target returns the offsets to move to.
func (c *GroupsResetCmd) target(ctx context.Context, adm *kadm.Client) (listed kadm.ListedOffsets, err error) {
	switch c.To {
	case "start":
		listed, err = adm.ListStartOffsets(ctx, c.Topic)
	case "end":
		listed, err = adm.ListEndOffsets(ctx, c.Topic)
	default:
		at, parseErr := time.Parse(time.RFC3339, c.To)
		if parseErr != nil {
			return nil, usage.Wrap(parseErr, "give start, end, or a time as 2006-01-02T15:04:05Z", "--to %q", c.To)
		}
		listed, err = adm.ListOffsetsAfterMilli(ctx, at.UnixMilli(), c.Topic)
	}
	if err == nil {
		err = listed.Error()
	}
	return listed, refused("topic", c.Topic, err, "")
}
