package deliver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/alarm"
	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/internal/backoff"
)

// The times of the states of cameras.
const (
	affirmEvery  = 5 * time.Second // a will that comes late, of a connection before this one, is put right so soon
	holdState    = 5 * time.Second // somebody who was seen so long ago is still there
	offlineAfter = 5 * time.Minute // a camera without sightings; one that writes none of empty pictures may be still
	forgetAfter  = 30 * 24 * time.Hour
)

// lockCameras is the advisory lock of the states that a receiver is sent, by its name: one
// process of all sends them.
const lockCameras = "SELECT pg_try_advisory_lock(hashtextextended('sightlog cameras ' || $1, 0))"

// cameraStates are the cameras with their newest sighting and their newest picture of somebody.
const cameraStates = `
SELECT c.id, c.name, extract(epoch FROM now() - l.captured_at)::float8, l.people, l.objects, s.states,
       r.finished_at IS NOT NULL, coalesce(p.key, '')
FROM cameras c JOIN latest_sightings l ON l.camera_id = c.id JOIN runs r ON r.id = l.run_id
LEFT JOIN LATERAL (SELECT states FROM sightings s
    WHERE s.camera_id = l.camera_id AND s.captured_at = l.captured_at AND s.run_id = l.run_id AND s.seq = l.seq) s ON true
LEFT JOIN LATERAL (SELECT concat_ws('/', p.run_id, p.track_id, p.crossing_seq, p.step, p.quality) AS key FROM v_snapshots p
    WHERE p.camera_id = c.id AND p.track_id > 0
    ORDER BY p.captured_at DESC, p.run_id DESC, p.track_id DESC, p.crossing_seq DESC, p.step DESC LIMIT 1) p ON true
ORDER BY c.name`

// cameraPicture is the picture that cameraStates names.
const cameraPicture = `SELECT jpeg FROM v_snapshots WHERE camera_id = $1 AND track_id > 0
    ORDER BY captured_at DESC, run_id DESC, track_id DESC, crossing_seq DESC, step DESC LIMIT 1`

// cameraState is what the tables say of a camera.
type cameraState struct {
	id              int32
	name            string
	age             time.Duration // of the newest sighting
	people, objects int
	states          []byte // of its objects; nil: none has one
	over            bool   // its run has ended
	picture         string // identity of the newest; "": there is none
}

// moves reports whether an object of the newest sighting is neither stationary nor a thing.
func (s *cameraState) moves() bool {
	if s.states == nil {
		return s.objects > 0
	}
	for _, state := range s.states {
		if state < 2 { // none or new: sink.states
			return true
		}
	}
	return false
}

// cameras says to one MQTT broker that somebody publishes, and sends the states of cameras.
type cameras struct {
	client paho.Client
	prefix string // of the discovery
	states bool   // else only that somebody publishes
	conn   *pgxpool.Conn
	only   []string // the cameras that there are; nil: those in the tables

	receiver string
	rules    []rule.Rule // that the receiver is sent

	affirmed, announced time.Time // when the broker last took that the cameras are online, and the sensors

	sent map[string]string // what the broker has retained, by topic; an identity of pictures
	seen map[string]times  // by camera
}

// times are when a camera saw somebody, and something that moves, last.
type times struct{ person, motion time.Time }

// sendCameras says that somebody publishes, and sends the states of cameras, to a receiver until ctx ends.
func (d *Deliverer) sendCameras(ctx context.Context, r *rule.Receiver) {
	for failures := 0; ctx.Err() == nil; {
		c, err := d.openCameras(ctx, r)
		if err == nil && c != nil {
			err = c.follow(ctx, func() {
				failures = 0
				d.reportCameras(r, "")
			})
			c.close()
		}
		pause := lookEvery * 5 // another process sends them
		if err != nil && ctx.Err() == nil {
			failures++
			d.reportCameras(r, err.Error())
			pause = d.cfg.Pauses.After(failures)
		}
		_ = backoff.Sleep(ctx, pause) // the loop ends with ctx
	}
}

// openCameras connects to the broker; nil if another process sends the states.
func (d *Deliverer) openCameras(ctx context.Context, r *rule.Receiver) (*cameras, error) {
	secret, err := r.Secret.Read()
	if err != nil {
		return nil, err
	}
	opts, err := mqttOptions(*r, secret)
	if err != nil {
		return nil, err
	}
	conn, err := d.cfg.Pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	var alone bool
	if err := conn.QueryRow(ctx, lockCameras, r.Name).Scan(&alone); err != nil || !alone {
		conn.Release()
		return nil, err
	}
	opts.SetBinaryWill(mqttStatus, []byte("offline"), 1, true)
	c := &cameras{client: paho.NewClient(opts), states: r.Cameras, prefix: r.Prefix, conn: conn, only: d.cfg.Cameras,
		receiver: r.Name, rules: slices.DeleteFunc(slices.Clone(d.cfg.Rules), func(to rule.Rule) bool { return !to.Sends(r.Name) }),
		sent: make(map[string]string), seen: make(map[string]times)}
	try, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	if err := wait(try, c.client.Connect()); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// follow sends what changes, and calls ok after each look.
func (c *cameras) follow(ctx context.Context, ok func()) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		try, cancel := context.WithTimeout(ctx, tryTimeout)
		err := c.look(try)
		cancel()
		if err != nil {
			return err
		}
		ok()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// affirm says that somebody publishes; a connection that is lost is found by it, too.
func (c *cameras) affirm(ctx context.Context) error {
	if !c.client.IsConnectionOpen() {
		return errors.New("the connection was lost")
	}
	if time.Since(c.affirmed) < affirmEvery {
		return nil
	}
	c.affirmed = time.Now()
	return c.publish(ctx, mqttStatus, []byte("online"))
}

func (c *cameras) look(ctx context.Context) error {
	if err := c.affirm(ctx); err != nil {
		return err
	}
	if err := c.announce(ctx); err != nil || !c.states {
		return err
	}
	rows, err := c.conn.Query(ctx, cameraStates)
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s cameraState, err error) {
		var age float64
		err = row.Scan(&s.id, &s.name, &age, &s.people, &s.objects, &s.states, &s.over, &s.picture)
		s.age = time.Duration(age * float64(time.Second))
		return s, err
	})
	if err != nil {
		return err
	}
	for i := range all {
		if err := c.send(ctx, &all[i]); err != nil {
			return fmt.Errorf("camera %s: %w", all[i].name, err)
		}
	}
	return nil
}

// sensorsEvery is the time between two looks at which rules there are.
const sensorsEvery = time.Minute

// announce publishes the sensors of the rules that this receiver is sent, off before their first
// alarm, and removes those of rules that no process has any more.
func (c *cameras) announce(ctx context.Context) error {
	if time.Since(c.announced) < sensorsEvery {
		return nil
	}
	told, err := c.names(ctx, `SELECT DISTINCT a.rule FROM alarms a JOIN alarm_deliveries d ON d.alarm_id = a.id WHERE d.receiver = $1`, c.receiver)
	if err != nil {
		return err
	}
	for i := range c.rules {
		r := &c.rules[i]
		s := sensor{c.prefix, r.Name}
		config, err := s.discovery(r.Camera, r.Subject())
		if err != nil {
			return err
		}
		if !slices.Contains(told, r.Name) { // else the state is what its messages say
			if err := c.retain(ctx, s.state(), "OFF", []byte("OFF")); err != nil {
				return err
			}
		}
		if err := c.retain(ctx, s.config(), string(config), config); err != nil {
			return err
		}
	}
	gone, err := c.names(ctx, `SELECT rule FROM alarms UNION SELECT rule FROM alarm_rules
		EXCEPT SELECT rule FROM alarm_rules WHERE looked_at >= now() - $1::interval
		EXCEPT SELECT rule FROM alarms WHERE ended_at IS NULL`, alarm.GoneAfter)
	if err != nil {
		return err
	}
	for _, name := range gone {
		if slices.ContainsFunc(c.rules, func(r rule.Rule) bool { return r.Name == name }) {
			continue
		}
		for _, topic := range (sensor{c.prefix, name}).topics() {
			if err := c.retain(ctx, topic, "none", nil); err != nil {
				return err
			}
		}
	}
	c.announced = time.Now()
	return nil
}

func (c *cameras) names(ctx context.Context, sql string, args ...any) ([]string, error) {
	rows, err := c.conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// gone reports whether a camera is no device any more.
func (c *cameras) gone(s *cameraState) bool {
	quiet := s.over || s.age > offlineAfter // else another process has it
	return s.age > forgetAfter || c.only != nil && quiet && !slices.Contains(c.only, s.name)
}

// send publishes what is not at the broker as it is.
func (c *cameras) send(ctx context.Context, s *cameraState) error {
	base := "sightlog/cameras/" + s.name
	device := c.prefix + "/device/sightlog_" + s.name + "/config"
	if c.gone(s) { // an empty message removes what is retained
		for _, topic := range []string{device, base + "/state", base + "/availability", base + "/snapshot"} {
			if err := c.retain(ctx, topic, "none", nil); err != nil {
				return err
			}
		}
		return nil
	}
	config, err := json.Marshal(discovery(s.name, base, s.picture != ""))
	if err != nil {
		return err
	}
	state, err := json.Marshal(c.shown(s, time.Now()))
	if err != nil {
		return err
	}
	available := "online"
	if s.over || s.age > offlineAfter {
		available = "offline"
	}
	for _, m := range []struct{ topic, payload string }{
		{base + "/state", string(state)}, {base + "/availability", available}, {device, string(config)},
	} {
		if err := c.retain(ctx, m.topic, m.payload, []byte(m.payload)); err != nil {
			return err
		}
	}
	return c.sendPicture(ctx, s, base+"/snapshot")
}

// shown is the state of a camera as it is published.
func (c *cameras) shown(s *cameraState, now time.Time) shownState {
	t := c.seen[s.name]
	if s.age <= holdState {
		if s.people > 0 {
			t.person = now
		}
		if s.moves() {
			t.motion = now
		}
	}
	c.seen[s.name] = t
	on := func(last time.Time) string {
		if now.Sub(last) <= holdState {
			return "ON"
		}
		return "OFF"
	}
	out := shownState{Occupancy: on(t.person), Motion: on(t.motion)}
	if s.age <= holdState {
		out.People = s.people
	}
	return out
}

// sendPicture publishes the newest picture, or removes it.
func (c *cameras) sendPicture(ctx context.Context, s *cameraState, topic string) error {
	if before, known := c.sent[topic]; known && before == s.picture {
		return nil // else also that there is none: the broker may have one of an earlier process
	}
	var jpeg []byte
	if s.picture != "" {
		err := c.conn.QueryRow(ctx, cameraPicture, s.id).Scan(&jpeg)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // deleted meanwhile: the next look says so
		}
		if err != nil {
			return err
		}
	}
	return c.retain(ctx, topic, s.picture, jpeg)
}

// retain publishes a message that the broker retains, unless it has it.
func (c *cameras) retain(ctx context.Context, topic, identity string, payload []byte) error {
	if before, known := c.sent[topic]; known && before == identity {
		return nil
	}
	if err := c.publish(ctx, topic, payload); err != nil {
		return err
	}
	c.sent[topic] = identity
	return nil
}

func (c *cameras) publish(ctx context.Context, topic string, payload []byte) error {
	return wait(ctx, c.client.Publish(topic, 1, true, payload))
}

// close says that nobody sends any more, and lets another process send.
func (c *cameras) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if c.client.IsConnectionOpen() {
		_ = c.publish(ctx, mqttStatus, []byte("offline")) // the will says it otherwise
		c.client.Disconnect(100)
	}
	_ = c.conn.Conn().Close(ctx) // and with it its lock
	c.conn.Release()
}
