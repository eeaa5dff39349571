package deliver_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/alarm/deliver"
	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/internal/pgtest"
)

// home is a receiver of the states of cameras.
func home(t *testing.T, addr string) rule.Receiver {
	t.Helper()
	t.Setenv("MQTT", "right")
	return rule.Receiver{Name: "home", Kind: rule.MQTT, Where: "mqtt://" + addr, User: "door", Secret: rule.Secret{Env: "MQTT"}, Prefix: "homeassistant", Cameras: true}
}

func write(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	_, err := pool.Exec(t.Context(), sql, args...)
	require.NoError(t, err, sql)
}

// see stores a camera's newest sighting: its people, and the states of its objects.
func see(t *testing.T, pool *pgxpool.Pool, camera int, age string, people int, states []byte) {
	t.Helper()
	write(t, pool, "DELETE FROM latest_sightings WHERE camera_id = $1", camera)
	write(t, pool, `WITH s AS (INSERT INTO sightings (camera_id, captured_at, run_id, seq, pts_us, batch_id, dropped_before, width, height, people, objects, class_ids, boxes, states)
		SELECT $1, now() - $2::interval, $1, extract(epoch FROM clock_timestamp()) * 1000, 0, 1, 0, 640, 360, $3, $4, '{}', '{}', $5 RETURNING *)
		INSERT INTO latest_sightings (camera_id, captured_at, run_id, seq, people, objects) SELECT camera_id, captured_at, run_id, seq, people, objects FROM s`,
		camera, age, people, max(people, len(states)), states)
}

func addCamera(t *testing.T, pool *pgxpool.Pool, id int, name string) {
	t.Helper()
	write(t, pool, "INSERT INTO cameras (id, name) OVERRIDING SYSTEM VALUE VALUES ($1, $2)", id, name)
	write(t, pool, "INSERT INTO runs (id, run, camera_id, source_kind, model, model_sha256, model_width, model_height, provider) OVERRIDING SYSTEM VALUE VALUES ($1, 'r', $1, 'stream', 'm', 'x', 1, 1, 'cpu')", id)
}

// Home Assistant finds a device a camera, with what it sees and its newest picture; a camera
// that is gone is unavailable, and one that was gone for a month is no device any more.
func TestCameras_HomeAssistant_DeviceForEachCamera(t *testing.T) {
	pool := pgtest.Open(t)
	for id, name := range map[int]string{1: "door", 2: "back-yard", 3: "old"} {
		addCamera(t, pool, id, name)
	}
	see(t, pool, 1, "0 s", 2, []byte{0, 2})
	see(t, pool, 2, "0 s", 0, []byte{2, 3})
	see(t, pool, 3, "31 days", 1, nil)
	addr := mosquitto(t)
	r := subscribe(t, addr)
	_, stop := start(t, pool, nil, home(t, addr))
	holds := func(topic, want string) {
		t.Helper()
		await(t, topic+" to be "+want, func() bool { return r.get(topic) == want })
	}
	holds("sightlog/cameras/door/state", `{"occupancy":"ON","motion":"ON","people":2}`)
	holds("sightlog/cameras/back-yard/state", `{"occupancy":"OFF","motion":"OFF","people":0}`)
	holds("sightlog/cameras/door/availability", "online")
	holds("sightlog/status", "online")
	var device struct {
		Components map[string]map[string]any
		Device     struct{ Identifiers []string }
	}
	config := func() map[string]map[string]any {
		t.Helper()
		device.Components = nil
		require.NoError(t, json.Unmarshal([]byte(r.get("homeassistant/device/sightlog_door/config")), &device))
		return device.Components
	}
	await(t, "the device", func() bool { return r.get("homeassistant/device/sightlog_door/config") != "" })
	require.Equal(t, map[string]any{"platform": "image"}, config()["snapshot"], "there is none")
	require.Equal(t, []string{"sightlog_door"}, device.Device.Identifiers)
	require.Equal(t, "{{ value_json.occupancy }}", config()["occupancy"]["value_template"])
	require.Empty(t, r.get("homeassistant/device/sightlog_old/config"))
	require.Empty(t, r.get("sightlog/cameras/old/state"))

	write(t, pool, `INSERT INTO snapshots SELECT 1, 7, -1, 0, 1, now(), 1, .9, .5, '{0,0,1,1}', '{0,0,1,1}', 640, 360, 10, 10, 4, 'jpeg'`)
	write(t, pool, `INSERT INTO snapshots SELECT 1, 0, 3, 4, 1, now(), 1, 0, 1, '{0,0,1,1}', '{0,0,1,1}', 640, 360, 10, 10, 4, 'of a stretch'`)
	holds("sightlog/cameras/door/snapshot", "jpeg")
	await(t, "the picture's part", func() bool { return config()["snapshot"]["image_topic"] == "sightlog/cameras/door/snapshot" })
	write(t, pool, "DELETE FROM snapshots")
	holds("sightlog/cameras/door/snapshot", "")
	see(t, pool, 1, "6 min", 1, nil)
	holds("sightlog/cameras/door/availability", "offline")
	holds("sightlog/cameras/door/state", `{"occupancy":"OFF","motion":"OFF","people":0}`)
	see(t, pool, 1, "0 s", 1, nil)
	write(t, pool, "UPDATE runs SET finished_at = now() WHERE id = 2")
	holds("sightlog/cameras/door/availability", "online")
	holds("sightlog/cameras/back-yard/availability", "offline")
	see(t, pool, 1, "31 days", 1, nil)
	holds("homeassistant/device/sightlog_door/config", "")
	stop()
	holds("sightlog/status", "offline")
}

// A picture that is deleted, and a camera that is no longer configured, while no process runs:
// the next one removes them.
func TestCameras_GoneBetweenProcesses_Removed(t *testing.T) {
	pool := pgtest.Open(t)
	for id, name := range []string{"door", "yard", "apart"} {
		addCamera(t, pool, id+1, name)
		see(t, pool, id+1, "0 s", 1, nil)
	}
	write(t, pool, `INSERT INTO snapshots SELECT 1, 7, -1, 0, 1, now(), 1, .9, .5, '{0,0,1,1}', '{0,0,1,1}', 640, 360, 10, 10, 4, 'jpeg'`)
	addr := mosquitto(t)
	_, stop := start(t, pool, nil, home(t, addr))
	r := subscribe(t, addr)
	await(t, "all", func() bool {
		return r.get("sightlog/cameras/door/snapshot") == "jpeg" && r.get("homeassistant/device/sightlog_yard/config") != ""
	})
	stop()
	write(t, pool, "DELETE FROM snapshots")
	write(t, pool, "UPDATE runs SET finished_at = now() WHERE id = 2")
	see(t, pool, 1, "0 s", 1, nil)
	see(t, pool, 3, "0 s", 1, nil)
	start(t, pool, func(c *deliver.Config) { c.Cameras = []string{"door"} }, home(t, addr))
	await(t, "the picture and the device to be removed", func() bool {
		return r.get("sightlog/cameras/door/snapshot") == "" && r.get("homeassistant/device/sightlog_yard/config") == "" &&
			r.get("sightlog/cameras/yard/state") == "" && r.get("sightlog/cameras/yard/availability") == ""
	})
	require.NotEmpty(t, r.get("homeassistant/device/sightlog_door/config"))
	await(t, "the one of another process", func() bool { return r.get("sightlog/cameras/apart/availability") == "online" })
}

// The will of a connection that was lost may come when another one publishes: it is put right.
func TestCameras_LateWill_OnlineAgain(t *testing.T) {
	pool := pgtest.Open(t)
	addr := mosquitto(t)
	r := subscribe(t, addr)
	start(t, pool, nil, home(t, addr))
	await(t, "the cameras", func() bool { return r.get("sightlog/status") == "online" })
	client := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + addr).SetUsername("door").SetPassword("right"))
	for _, done := range []func() paho.Token{client.Connect, func() paho.Token {
		return client.Publish("sightlog/status", 1, true, "offline")
	}} {
		tok := done()
		require.True(t, tok.WaitTimeout(time.Minute))
		require.NoError(t, tok.Error())
	}
	t.Cleanup(func() { client.Disconnect(0) })
	await(t, "the cameras again", func() bool { return slices.Equal(r.last("sightlog/status", 2), []string{"offline", "online"}) })
}

// Of two processes one sends; when it ends the other does.
func TestCameras_TwoProcesses_OneSends(t *testing.T) {
	pool := pgtest.Open(t)
	addCamera(t, pool, 1, "door")
	see(t, pool, 1, "0 s", 1, nil)
	addr := mosquitto(t)
	r := subscribe(t, addr)
	_, first := start(t, pool, nil, home(t, addr))
	await(t, "the state", func() bool { return r.get("sightlog/cameras/door/availability") == "online" })
	start(t, pool, nil, home(t, addr))
	first()
	see(t, pool, 1, "0 s", 3, nil)
	await(t, "the other to send", func() bool {
		return r.get("sightlog/status") == "online" && r.get("sightlog/cameras/door/state") != `{"occupancy":"ON","motion":"ON","people":1}`
	})
}

// Of two processes the one that does not say so stops: somebody still publishes.
func TestStatus_AnotherProcessStops_StaysOnline(t *testing.T) {
	pool := pgtest.Open(t)
	addr := mosquitto(t)
	r := subscribe(t, addr)
	start(t, pool, nil, home(t, addr))
	await(t, "somebody", func() bool { return r.get("sightlog/status") == "online" })
	other := home(t, addr)
	other.Cameras = false
	enqueue(t, pool, "home", "a1")
	awaitSent(t, pool, 1)
	_, stop := start(t, pool, nil, other)
	for n := range 20 { // one of them is sent by the other
		enqueue(t, pool, "home", fmt.Sprint("b", n))
	}
	awaitSent(t, pool, 21)
	stop()
	enqueue(t, pool, "home", "c")
	awaitSent(t, pool, 22)
	await(t, "all", func() bool { return len(r.last("sightlog/alarms", 30)) == 22 })
	require.NotContains(t, r.last("sightlog/status", 1000), "offline")
}

// cut is a proxy to an address, whose connections can be cut.
func cut(t *testing.T, addr string) (proxy string, cutAll func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var mu sync.Mutex
	var all []net.Conn
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", addr)
			if err != nil {
				_ = from.Close()
				continue
			}
			mu.Lock()
			all = append(all, from, to)
			mu.Unlock()
			go func() { _, _ = io.Copy(from, to) }()
			go func() { _, _ = io.Copy(to, from) }()
		}
	}()
	cutAll = func() {
		_ = l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range all {
			_ = c.Close()
		}
	}
	t.Cleanup(cutAll)
	return l.Addr().String(), cutAll
}

// A process that is gone without a word has a last will: its cameras are unavailable.
func TestCameras_ConnectionCut_LastWill(t *testing.T) {
	pool := pgtest.Open(t)
	addCamera(t, pool, 1, "door")
	see(t, pool, 1, "0 s", 0, nil) // nothing changes afterwards
	addr := mosquitto(t)
	r := subscribe(t, addr)
	proxy, cutAll := cut(t, addr)
	d, _ := start(t, pool, nil, home(t, proxy))
	await(t, "the cameras", func() bool { return r.get("sightlog/status") == "online" })
	cutAll()
	await(t, "the last will", func() bool { return r.get("sightlog/status") == "offline" })
	await(t, "the problem", func() bool { return len(d.Problems()) > 0 })
	require.Contains(t, d.Problems()[0], "receiver home does not take the states of cameras: ")
}

// certificate writes a certificate for 127.0.0.1, its own authority, and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(k)
	require.NoError(t, err)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
	return cert, key
}

// With TLS the broker is known by its authority; without it nothing is sent.
func TestDeliver_MQTTOverTLS_ByItsAuthorityAlone(t *testing.T) {
	pool := pgtest.Open(t)
	cert, key := certificate(t)
	addr := mosquitto(t, "cafile "+cert, "certfile "+cert, "keyfile "+key)
	enqueue(t, pool, "home", "a1")
	to := home(t, addr)
	to.Where = "mqtts://" + addr
	d, stop := start(t, pool, nil, to)
	await(t, "the problem", func() bool { return len(d.Problems()) == 2 })
	require.Contains(t, d.Problems()[0], "certificate")
	stop()
	to.CAFile = cert
	start(t, pool, nil, to)
	awaitSent(t, pool, 1)
}
