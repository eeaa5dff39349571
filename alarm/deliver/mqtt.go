package deliver

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/sightlog/sightlog/alarm"
	"github.com/sightlog/sightlog/alarm/rule"
)

// mqtt publishes to a broker: each message to sightlog/alarms, and of each rule, retained,
// whether its alarm is on, as a sensor that Home Assistant finds by itself. Whether anybody
// publishes is said by the process that also sends the states of cameras.
type mqtt struct {
	options *paho.ClientOptions
	client  paho.Client     // a new one for each connection: one that could not connect takes a moment until it can again
	prefix  string          // of the discovery
	known   map[string]bool // rules whose sensor has been announced on this connection
}

func newMQTT(r rule.Receiver, secret string) (sender, error) {
	opts, err := mqttOptions(r, secret)
	if err != nil {
		return nil, err
	}
	return &mqtt{options: opts, client: paho.NewClient(opts), prefix: r.Prefix}, nil
}

// mqttOptions returns the options of a client.
func mqttOptions(r rule.Receiver, secret string) (*paho.ClientOptions, error) {
	u, err := url.Parse(r.Where)
	if err != nil {
		return nil, err
	}
	cfg, err := newTLS(r)
	if err != nil {
		return nil, err
	}
	scheme, port := "tcp", "1883"
	if u.Scheme == "mqtts" {
		scheme, port = "ssl", "8883"
	}
	if u.Port() == "" {
		u.Host += ":" + port
	}
	cfg.ServerName = u.Hostname()
	return paho.NewClientOptions().AddBroker(scheme + "://" + u.Host).SetTLSConfig(cfg).SetUsername(r.User).SetPassword(secret).
		SetConnectTimeout(tryTimeout / 2).SetAutoReconnect(false).SetOrderMatters(true), nil
}

func (q *mqtt) send(ctx context.Context, m *outgoing) error {
	if !q.client.IsConnectionOpen() {
		q.client = paho.NewClient(q.options)
		if err := wait(ctx, q.client.Connect()); err != nil {
			return err
		}
		q.known = make(map[string]bool)
	}
	if m.Event == alarm.Began || m.Event == alarm.Ended {
		if err := q.sensor(ctx, m); err != nil {
			return err
		}
	}
	return q.publish(ctx, mqttAlarms, false, m.payload)
}

// sensor publishes the state of the rule's sensor, and announces it first. That of a rule that was
// removed is removed.
func (q *mqtt) sensor(ctx context.Context, m *outgoing) error {
	s := sensor{q.prefix, m.Rule}
	if m.Outcome == alarm.RuleRemoved {
		delete(q.known, m.Rule)
		for _, topic := range s.topics() {
			if err := q.publish(ctx, topic, true, nil); err != nil {
				return err
			}
		}
		return nil
	}
	if !q.known[m.Rule] {
		config, err := s.discovery(m.Camera, m.Subject)
		if err != nil {
			return err
		}
		if err := q.publish(ctx, s.config(), true, config); err != nil {
			return err
		}
		q.known[m.Rule] = true
	}
	if err := q.publish(ctx, s.attributes(), true, m.payload); err != nil {
		return err
	}
	state := "ON"
	if m.Event == alarm.Ended || m.Kind == string(rule.Crossing) || m.Kind == string(rule.Loitering) {
		state = "OFF" // a moment is over when it is told
	}
	if m.Event == alarm.Began && state == "OFF" {
		if err := q.publish(ctx, s.state(), false, []byte("ON")); err != nil {
			return err
		}
	}
	return q.publish(ctx, s.state(), true, []byte(state))
}

// publish publishes with quality of service 1: the broker has acknowledged it.
func (q *mqtt) publish(ctx context.Context, topic string, retained bool, payload []byte) error {
	if err := wait(ctx, q.client.Publish(topic, 1, retained, payload)); err != nil {
		q.client.Disconnect(0) // what is still on its way would come after the next try
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

func wait(ctx context.Context, t paho.Token) error {
	select {
	case <-t.Done():
		return t.Error()
	case <-ctx.Done():
		return errors.New("the broker does not answer in time")
	}
}

func (q *mqtt) close() {
	if q.client.IsConnectionOpen() {
		q.client.Disconnect(100)
	}
}
