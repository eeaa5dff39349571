package sink_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/sink"
)

// Alarms that are over go after their time, with their messages: a year, unless the camera has
// another. One that lasts stays.
func TestRetention_Alarms_ThoseThatAreOver(t *testing.T) {
	t.Parallel()
	p := newPast(t)
	for i, a := range []struct {
		camera any
		days   int
		over   bool
	}{{"door", 5, true}, {"door", 1, true}, {"door", 400, false}, {"yard", 364, true}, {"yard", 366, true}, {nil, 366, true}} {
		at := noon.AddDate(0, 0, -a.days)
		var end any
		if a.over {
			end = at
		}
		p.exec(`INSERT INTO alarms (id, rule, kind, subject, camera, message, value, began_at, fired_at, ended_at)
			VALUES ($1, 'r', 'presence', 's', $2, 'm', 1, $3, $3, $4)`, fmt.Sprint(i), a.camera, at, end)
		p.exec(`INSERT INTO alarm_deliveries (receiver, message_id, alarm_id, event, payload, due, sent_at) VALUES ('hook', $1, $1, 'began', '{}', $2, $2)`, fmt.Sprint(i), at)
	}
	p.exec(`INSERT INTO alarm_deliveries (receiver, message_id, event, payload, due, created_at, sent_at)
		SELECT 'hook', 'test' || n, 'test', '{}', $1, $1::timestamptz - n * interval '200 days', CASE WHEN n < 3 THEN $1::timestamptz END FROM generate_series(1, 3) n`, noon)
	p.retain(func(c *sink.Config) { c.CameraKeep = map[string]sink.Keep{"door": {Alarms: 2 * 24 * time.Hour}} })
	require.Equal(t, []string{"1", "2", "3"}, pgtest.Lines(t, p.pool, "SELECT id FROM alarms ORDER BY 1"))
	require.Equal(t, []string{"1", "2", "3", "test1", "test3"}, pgtest.Lines(t, p.pool, "SELECT message_id FROM alarm_deliveries ORDER BY 1"))
}
