package deliver_test

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/alarm/deliver"
	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// mosquitto runs a broker with a user, door, and returns its address.
func mosquitto(t *testing.T, more ...string) string {
	t.Helper()
	return testenv.Mosquitto(t, more...)
}

// retained collects what a broker has, by topic.
type retained struct {
	mu  sync.Mutex // guards the following
	all map[string]string
	was map[string][]string // by topic, all that came
}

func (r *retained) get(topic string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[topic]
}

// last returns what came last at a topic, n messages at most.
func (r *retained) last(topic string, n int) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.was[topic]
	return slices.Clone(was[max(0, len(was)-n):])
}

func subscribe(t *testing.T, addr string) *retained {
	t.Helper()
	r := &retained{all: make(map[string]string), was: make(map[string][]string)}
	c := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + addr).SetUsername("door").SetPassword("right").SetClientID("test"))
	tok := c.Connect()
	require.True(t, tok.WaitTimeout(time.Minute))
	require.NoError(t, tok.Error())
	t.Cleanup(func() { c.Disconnect(0) })
	tok = c.Subscribe("#", 1, func(_ paho.Client, m paho.Message) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all[m.Topic()] = string(m.Payload())
		r.was[m.Topic()] = append(r.was[m.Topic()], string(m.Payload()))
	})
	require.True(t, tok.WaitTimeout(time.Minute))
	require.NoError(t, tok.Error())
	return r
}

// A broker learns of an alarm, and Home Assistant finds the sensor; when the process stops
// the sensor is unavailable.
func TestDeliver_MQTT_SensorThatHomeAssistantFinds(t *testing.T) {
	pool := pgtest.Open(t)
	addr := mosquitto(t)
	t.Setenv("MQTT", "right")
	enqueue(t, pool, "home", "a1")
	_, stop := start(t, pool, nil, rule.Receiver{
		Name: "home", Kind: rule.MQTT, Where: "mqtt://" + addr, User: "door", Secret: rule.Secret{Env: "MQTT"}, Prefix: "homeassistant",
	})
	awaitSent(t, pool, 1)
	r := subscribe(t, addr) // after the alarm: it sees what is retained
	await(t, "what is retained", func() bool { return r.get("sightlog/alarms/night/state") != "" && r.get("sightlog/status") != "" })
	require.Equal(t, []string{"ON", "online"}, []string{r.get("sightlog/alarms/night/state"), r.get("sightlog/status")})
	var config map[string]any
	await(t, "the discovery", func() bool { return r.get("homeassistant/binary_sensor/sightlog/alarm_night/config") != "" })
	require.NoError(t, json.Unmarshal([]byte(r.get("homeassistant/binary_sensor/sightlog/alarm_night/config")), &config))
	require.Equal(t, []any{"sightlog/alarms/night/state", "sightlog/status", "sightlog_alarm_night"},
		[]any{config["state_topic"], config["availability_topic"], config["unique_id"]})
	stop()
	await(t, "the last will", func() bool { return r.get("sightlog/status") == "offline" })
}

// Home Assistant finds the sensor of each rule that the receiver is sent before there was an alarm,
// and it is off; that of a rule which no process has any more is removed.
func TestDeliver_MQTTBeforeTheFirstAlarm_SensorOfEachRule(t *testing.T) {
	pool := pgtest.Open(t)
	addr := mosquitto(t)
	r := subscribe(t, addr)
	to := home(t, addr)
	config := func(name string) string { return "homeassistant/binary_sensor/sightlog/alarm_" + name + "/config" }
	rules := []rule.Rule{
		{Name: "quiet", Kind: rule.Presence, Camera: "door", Zone: "mat"}, {Name: "full", Kind: rule.Occupancy, Place: "hall"},
		{Name: "others", Kind: rule.Presence, Camera: "door", To: []string{"hook"}},
	}
	_, stop := start(t, pool, func(c *deliver.Config) { c.Rules = rules }, to)
	await(t, "the sensors", func() bool { return r.get(config("quiet")) != "" && r.get(config("full")) != "" })
	var sensor struct {
		State  string `json:"state_topic"`
		Device struct{ Identifiers []string }
	}
	require.NoError(t, json.Unmarshal([]byte(r.get(config("quiet"))), &sensor))
	require.Equal(t, []string{"sightlog_door"}, sensor.Device.Identifiers)
	require.Equal(t, "OFF", r.get(sensor.State))
	require.NoError(t, json.Unmarshal([]byte(r.get(config("full"))), &sensor))
	require.Equal(t, []string{"sightlog_hall"}, sensor.Device.Identifiers)
	require.Empty(t, r.get(config("others")))
	enqueue(t, pool, "home", "a1") // of rule night, which no process has
	awaitSent(t, pool, 1)
	await(t, "its sensor", func() bool { return r.get(config("night")) != "" })
	stop()
	write(t, pool, "UPDATE alarms SET ended_at = now()")
	start(t, pool, func(c *deliver.Config) { c.Rules = rules }, to)
	await(t, "the sensor to be removed", func() bool { return r.get(config("night")) == "" && r.get("sightlog/alarms/night/state") == "" })
	require.NotEmpty(t, r.get(config("quiet")))
}
