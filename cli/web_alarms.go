package cli

import (
	"context"
	"net/http"
	"slices"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/web/alarms"
	web "github.com/sightlog/sightlog/web/answer"
)

// testAlarm sends a test to the receivers of a rule, for the page.
func (s *Site) testAlarm(ctx context.Context, name string) ([]alarms.Tested, error) {
	if !slices.Contains(s.Env.ruleNames(), name) {
		return nil, web.Refuse(http.StatusNotFound, "the configuration has no rule "+name, "GET api/v1/alarms has those that there are, as rules")
	}
	ctx, cancel := context.WithTimeout(ctx, web.TimeLimit)
	defer cancel()
	outcomes, err := s.Env.testAlarm(ctx, name, func() (kafka.Config, error) { return pipeline.KafkaConfig(s.Services.Kafka, s.Log) })
	if usage.Is(err) {
		return nil, web.Refuse(http.StatusUnprocessableEntity, err.Error(), "correct the configuration")
	}
	if err != nil {
		return nil, err
	}
	all := make([]alarms.Tested, len(outcomes))
	for i, o := range outcomes {
		all[i] = alarms.Tested{Receiver: o.Receiver, Taken: o.Err == nil}
		if o.Err != nil {
			all[i].Error = o.Err.Error()
		}
	}
	return all, nil
}
