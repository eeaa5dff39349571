package pipeline

import (
	"errors"

	"github.com/sightlog/sightlog/alarm"
	"github.com/sightlog/sightlog/alarm/deliver"
	"github.com/sightlog/sightlog/alarm/report"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
)

// alarmRules returns the rules of the configuration; nil if it has none.
func alarmRules(cfg ServicesConfig) *alarm.Rules {
	if len(cfg.Alarms.Rules) == 0 {
		return nil
	}
	return alarm.New(alarm.Config{
		Rules: cfg.Alarms.Rules, Receivers: cfg.Alarms.Receivers, Places: linesOf(cfg.Places), Log: cfg.Log, Metrics: cfg.Metrics,
	})
}

func linesOf(places map[string]config.Place) map[string][]string {
	lines := make(map[string][]string, len(places))
	for name, p := range places {
		lines[name] = p.PlaceLines()
	}
	return lines
}

// newDeliverer returns what sends alarms; nil without receivers.
func (s *Services) newDeliverer() (*deliver.Deliverer, error) {
	if len(s.cfg.Alarms.Receivers) == 0 {
		return nil, nil
	}
	return deliver.New(deliver.Config{
		Receivers: s.cfg.Alarms.Receivers, Pool: s.Pool, Kafka: s.admin, Cameras: s.cfg.Alarms.Cameras, Rules: s.cfg.Alarms.Rules,
		Log: s.cfg.Log, Metrics: s.cfg.Metrics,
	})
}

// alarmProblems returns the receivers that do not take their messages, a line each.
func (s *Services) alarmProblems() []string {
	if s.deliverer == nil {
		return nil
	}
	return s.deliverer.Problems()
}

// watcher returns the rules as the sink takes them.
func watcher(rules *alarm.Rules) sink.Watcher {
	if rules == nil {
		return nil
	}
	return rules
}

// startAlarms starts the ticker, and what sends alarms, if there are
// receivers, and what makes reports, if there are any.
func (s *Services) startAlarms(rules *alarm.Rules) {
	if s.deliverer != nil {
		s.alarms = append(s.alarms, startService(s.deliverer.Run))
	}
	if all := s.cfg.Alarms.Reports; len(all) > 0 {
		horizon := sink.Horizon{Client: s.admin, Pool: s.Pool, Topics: kafka.Topics()}
		maker := report.Maker{Reports: all, Receivers: s.cfg.Alarms.Receivers, Pool: s.Pool, Log: s.cfg.Log, Horizon: horizon.Time}
		s.alarms = append(s.alarms, startService(maker.Run))
	}
	if rules == nil { // what is open of those that were removed ends
		rules = alarm.New(alarm.Config{Receivers: s.cfg.Alarms.Receivers, Log: s.cfg.Log})
	}
	horizon := sink.Horizon{Client: s.admin, Pool: s.Pool, Topics: kafka.Topics()}
	ticker := alarm.Ticker{Rules: rules, Pool: s.Pool, Horizon: horizon.Time}
	s.alarms = append(s.alarms, startService(ticker.Run))
}

// stopAlarms ends what startAlarms has started.
func (s *Services) stopAlarms() error {
	var errs []error
	for _, a := range s.alarms {
		errs = append(errs, a.stop())
	}
	s.alarms = nil
	return errors.Join(errs...)
}
