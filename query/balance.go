package query

import "fmt"

const balanceHelp = `in and out are crossings of the place's lines, inside is in less out since the reset, as counted: below 0 where entries were missed. How far that may be wrong: lowest is the lowest balance since the reset, 0 at most (a counter that stops at 0 would show inside less lowest); blind_s are the seconds since the reset in which a camera of the place processed no frame, or ran without one of its lines; unclosed are tracks that ended within a tenth of the frame's height of a line without having crossed one (those of more than 600 seconds are left out, empty is not known); dropped are frames that came too fast (live sources).`

var balance = Report{
	Name: "balance",
	Help: "How many are inside of places, now or over time.",
	Details: "Without --since, --until and --bucket: now, all figures since the last reset. " + balanceHelp + "\n\n" +
		"With one of them: the columns place, minute (hour, day), in, out, inside, max_inside, reset, lowest, blind_s, unclosed, dropped. " +
		"in and out are those of the bucket, max_inside is the most at its beginning or the end of one of its minutes, the others are " +
		"from the last reset to the bucket's end. Totals are kept by the minute: --since and --until count in whole minutes. " +
		"With --camera, the places of which it has a line.",
	Flags:    []string{"place", "camera"},
	Columns:  []string{"place", "in", "out", "inside", "capacity", "reset", "lowest", "blind_s", "unclosed", "dropped"},
	Order:    []string{"place"},
	OverTime: &balanceOverTime,
	sql: func(s *statement) string {
		return fmt.Sprintf(`
SELECT b.place, b."in", b."out", b.inside, b.capacity, b.reset, b.lowest, b.blind_s, b.unclosed, b.dropped
FROM v_balance b JOIN places p ON p.name = b.place WHERE %s ORDER BY b.place`, s.places())
	},
}

// places returns the filter's place and camera as conditions on a table p.
func (s *statement) places() conditions {
	c := s.equal(nil, "p.name", s.Place)
	if s.Camera != "" {
		c = append(c, "EXISTS (SELECT FROM place_lines l WHERE l.place_id = p.id AND l.camera = "+s.arg(s.Camera)+")")
	}
	return c
}

var balanceOverTime = Report{
	Name:    "balance",
	Flags:   []string{"place", "camera", "since", "until", "bucket", "tz", "recount"},
	Columns: []string{"place", "hour", "in", "out", "inside", "max_inside", "reset", "lowest", "blind_s", "unclosed", "dropped"},
	Order:   []string{"place", "hour"},
	Bucket:  "1h",
	sql: func(s *statement) string {
		// From the first minute of a camera of the place to the last with a frame, or a
		// crossing whose frame is yet to come, as far as they are in the asked time; with
		// --until or --since also beyond the last.
		first, last := "a.first", "a.last + interval '1 min'"
		if !s.Since.IsZero() || !s.Until.IsZero() {
			last = "now()"
		}
		if !s.Since.IsZero() {
			first = "greatest(a.first, date_trunc('minute', " + s.arg(s.Since) + "::timestamptz))"
		}
		if !s.Until.IsZero() {
			last = "least(" + last + ", " + s.arg(s.Until) + "::timestamptz)"
		}
		if s.Recount != 0 {
			n := s.arg(s.Recount)
			first = "greatest(" + first + ", (SELECT date_trunc('minute', since) FROM recounts WHERE id = " + n + "))"
			last = "least(" + last + ", (SELECT until FROM recounts WHERE id = " + n + "))"
		}
		unit := units[s.Bucket]
		return fmt.Sprintf(`
SELECT p.name AS place, b.bucket AS %[1]s, b."in", b."out", b.inside, b.max_inside, b.reset, b.lowest, b.blind_s, b.unclosed, b.dropped
FROM places p
CROSS JOIN LATERAL (SELECT min(f.minute) AS first, max(f.minute) AS last
    FROM place_lines l JOIN cameras c ON c.name = l.camera
    CROSS JOIN LATERAL (SELECT (SELECT min(minute) FROM camera_minutes m WHERE m.camera_id = c.id) AS minute
                        UNION ALL SELECT (SELECT max(minute) FROM camera_minutes m WHERE m.camera_id = c.id)
                        UNION ALL SELECT (SELECT max(minute) FROM crossing_minutes x WHERE x.camera_id = c.id AND x.line = l.line)) f
    WHERE l.place_id = p.id) a
CROSS JOIN LATERAL sightlog_balance(p.name, %[2]s, %[3]s, '%[1]s') b
WHERE %[4]s AND a.first IS NOT NULL ORDER BY p.name, b.bucket`, unit, first, last, s.places())
	},
}
