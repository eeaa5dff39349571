package pipeline_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/pipeline"
)

// With --wait the brokers may be away for ever: that is said.
func TestReachTopics_BrokersAway_WaitIsLogged(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	lastLogged := &onLine{words: "the brokers cannot be used yet, retrying", do: cancel}
	cfg := config.Kafka{Cluster: config.Cluster{Brokers: []string{testenv.FreeAddr(t)}}, Partitions: 1}
	err := pipeline.ReachTopics(ctx, cfg, true, slog.New(slog.NewTextHandler(lastLogged, nil)))
	require.ErrorIs(t, err, context.Canceled)
}
