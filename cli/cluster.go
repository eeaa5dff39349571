package cli

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/datadir"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

// ClusterAddress names a Kafka cluster by address, or the running bundled broker of a data
// directory.
type ClusterAddress struct {
	config.Cluster
	config.Data
}

// ClusterFlags name a Kafka cluster and the format of an answer about it.
type ClusterFlags struct {
	ClusterAddress
	Format string `enum:"table,csv,json" default:"table" env:"-" help:"table, csv or json (${default})."`
}

// answerWithin bounds a request to a cluster.
const answerWithin = 15 * time.Second

// config returns the configuration of a client.
func (c *ClusterAddress) config() (kafka.Config, error) {
	cluster := c.Cluster
	if len(cluster.Brokers) == 0 {
		e, err := datadir.ReadEndpoints(c.Data.Data)
		if errors.Is(err, datadir.ErrNotRunning) {
			return kafka.Config{}, usage.Wrap(err, "give --brokers, or the --data of a running one", "--data %s: nothing runs on it", c.Data.Data)
		}
		if err != nil {
			return kafka.Config{}, err
		}
		cluster.Brokers, cluster.SchemaRegistry = []string{e.Broker}, cmp.Or(cluster.SchemaRegistry, e.Registry)
	}
	return pipeline.ClusterConfig(cluster, nil)
}

// reach returns an error if the cluster does not answer.
func reach(ctx context.Context, cfg kafka.Config, adm *kadm.Client) error {
	if _, err := adm.ListBrokers(ctx); err != nil {
		return usage.Wrap(err, kafka.HowToReach(err), "the brokers %s cannot be used: %v", strings.Join(cfg.Brokers, ","), err)
	}
	return nil
}

// reachCluster is reach with a client of its own.
func reachCluster(ctx context.Context, cfg kafka.Config) error {
	cl, err := cfg.Client()
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	return reach(ctx, cfg, kadm.NewClient(cl))
}

// ask calls f with a client of the cluster and prints its answer.
func (c *ClusterFlags) ask(ctx context.Context, env *Env, f func(context.Context, *kadm.Client) (*query.Table, error)) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	cl, err := cfg.Client()
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	adm := kadm.NewClient(cl)
	if err := reach(ctx, cfg, adm); err != nil {
		return err
	}
	t, err := f(ctx, adm)
	if err != nil || t == nil {
		return err
	}
	return c.print(env, t)
}

// print writes an answer to standard output.
func (c *ClusterFlags) print(env *Env, t *query.Table) error {
	out := openAnswer(env.Stdout)
	return out.done(t.Write(out, c.Format))
}

// settings parses NAME=VALUE pairs.
func settings(pairs []string) (map[string]*string, error) {
	m := make(map[string]*string, len(pairs))
	for _, p := range pairs {
		name, value, found := strings.Cut(p, "=")
		if !found || name == "" {
			return nil, usage.New("write NAME=VALUE, such as retention.ms=86400000", "setting %q", p)
		}
		m[name] = &value
	}
	return m, nil
}

// refused turns a cluster's error about something the user named into one line.
func refused(what, name string, err error, message string) error {
	if err == nil {
		return nil
	}
	if message == "" {
		message = err.Error()
	}
	return usage.Wrap(err, "", "%s %s: %s", what, name, message)
}
