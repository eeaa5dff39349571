package query

import "time"

const staffHelp = " --without-staff leaves out tracks that a rule takes for staff or passers-by: their rows stay, and v_staff_tracks has them."

// withoutStaff appends the condition, if the filter has it, that a row of s is of a track
// that no rule takes for staff.
func (s *statement) withoutStaff(c conditions) conditions {
	if !s.NoStaff {
		return c
	}
	return append(c, "NOT EXISTS (SELECT FROM v_staff_tracks f WHERE f.run_id = s.run_id AND f.track_id = s.track_id)")
}

// crossed is the table of the minutes of crossings. Their totals know no tracks: without
// staff they are computed from the crossings.
func (s *statement) crossed() string {
	if !s.NoStaff {
		return "crossing_minutes"
	}
	where := s.withoutStaff(s.of())
	if !s.Since.IsZero() {
		where = append(where, "s.captured_at >= "+s.arg(s.Since.Truncate(time.Minute)))
	}
	if !s.Until.IsZero() {
		where = append(where, "s.captured_at < "+s.arg(s.Until.Add(time.Minute-1).Truncate(time.Minute)))
	}
	return `(SELECT s.camera_id, s.run_id, s.line, s.direction, s.label, date_trunc('minute', s.captured_at, 'UTC') AS minute, 1 AS crossings
     FROM crossings s WHERE ` + where.String() + ")"
}
