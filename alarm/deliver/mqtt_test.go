package deliver_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// mosquitto runs a broker with a user and returns its address. more are lines of its
// configuration.
func mosquitto(t *testing.T, more ...string) string {
	t.Helper()
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		program = "/usr/sbin/mosquitto"
	}
	if _, err := os.Stat(program); err != nil {
		testenv.Skip(t, "mosquitto is not installed")
	}
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().(*net.TCPAddr)
	require.NoError(t, l.Close())
	passwords, conf := filepath.Join(dir, "users"), filepath.Join(dir, "mosquitto.conf")
	require.NoError(t, os.WriteFile(passwords, []byte("door:right\n"), 0o600))
	require.NoError(t, exec.CommandContext(t.Context(), "mosquitto_passwd", "-U", passwords).Run())
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, "listener %d 127.0.0.1\nallow_anonymous false\npassword_file %s\nuser root\n%s\n", addr.Port, passwords, strings.Join(more, "\n")), 0o600))
	cmd := exec.Command(program, "-c", conf)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	await(t, "the broker to listen", func() bool {
		c, err := net.Dial("tcp", addr.String())
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return addr.String()
}

// retained collects what a broker has, by topic.
type retained struct {
	mu  sync.Mutex // guards the following
	all map[string]string
}

func (r *retained) get(topic string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[topic]
}

func subscribe(t *testing.T, addr string) *retained {
	t.Helper()
	r := &retained{all: make(map[string]string)}
	c := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + addr).SetUsername("door").SetPassword("right").SetClientID("test"))
	tok := c.Connect()
	require.True(t, tok.WaitTimeout(time.Minute))
	require.NoError(t, tok.Error())
	t.Cleanup(func() { c.Disconnect(0) })
	tok = c.Subscribe("#", 1, func(_ paho.Client, m paho.Message) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all[m.Topic()] = string(m.Payload())
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
