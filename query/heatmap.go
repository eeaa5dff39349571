package query

import (
	"fmt"
	"strconv"
	"time"
)

var heatmap = Report{
	Name:    "heatmap",
	Help:    "How often feet were in each cell of a grid over the picture.",
	Details: "The picture is divided into --grid columns and rows; x and y count the cells from 0 at its top left, and n is the number of detections, without things, whose feet (the middle of the lower edge) are in the cell; a cell without has no row. frames, seconds and dropped are the camera's: frames processed, seconds in which one was, frames dropped; of a minute that is asked in part, or has detections without rows (--keep, --store), those with rows. A camera that was watched without a detection has one row with n 0. With --out FILE.png a picture is drawn, over --frame if it is given. It reads the stored detections: retention ends it.",
	Flags:   and("zone", "class", "min-score", "grid", "frame"),
	Columns: []string{"camera", "x", "y", "n", "frames", "seconds", "dropped"},
	Order:   []string{"camera", "y", "x"},
	sql: func(s *statement) string {
		where := s.in("captured_at").String()
		which := conditions{where}
		if s.Zone != "" {
			which = append(which, "d.zone_set_ids[i] IN (SELECT id FROM zone_sets WHERE "+s.arg(s.Zone)+" = ANY (zones))")
		}
		if s.MinScore > 0 {
			which = append(which, "d.boxes[5 * i] >= "+s.arg(float32(s.MinScore))+"::real")
		}
		which = append(s.classed(which, "d.class_ids[i]"), "(d.states IS NULL OR get_byte(d.states, i - 1) <> 3)")
		// Of an array in a column each element is read from the storage by reading the whole: || makes a copy, once a frame.
		grid := strconv.Itoa(s.grid())
		return fmt.Sprintf(`WITH stored AS (
    SELECT camera_id, run_id, date_trunc('minute', captured_at) AS minute, count(*) AS frames, sum(objects) AS detections,
           sum(dropped_before) AS dropped, bit_or(1::bigint << floor(extract(second FROM captured_at))::integer) AS seconds
    FROM sightings s WHERE %[1]s GROUP BY 1, 2, 3
), minutes AS (
    SELECT camera_id, minute, frames, dropped, seconds FROM stored
    UNION ALL
    SELECT camera_id, minute, m.frames - coalesce(t.frames, 0), m.dropped - coalesce(t.dropped, 0), m.seconds
    FROM (SELECT * FROM camera_minutes s WHERE %[4]s) m LEFT JOIN stored t USING (camera_id, run_id, minute)
    WHERE m.detections = coalesce(t.detections, 0)
), watched AS (
    SELECT camera_id, sum(frames)::bigint AS frames, sum(sightlog_seconds(seconds)) AS seconds, sum(dropped)::bigint AS dropped
    FROM (SELECT camera_id, minute, sum(frames) AS frames, bit_or(seconds) AS seconds, sum(dropped) AS dropped
          FROM minutes GROUP BY 1, 2) m GROUP BY 1
), cells AS (
    SELECT s.camera_id, least(%[3]s - 1, floor((d.boxes[5 * i - 4] + d.boxes[5 * i - 2]) / 2 * %[3]s / s.width))::integer AS x,
           least(%[3]s - 1, floor(d.boxes[5 * i - 1] * %[3]s / s.height))::integer AS y, count(*) AS n
    FROM sightings s CROSS JOIN LATERAL (
        SELECT s.class_ids || '{}'::smallint[] AS class_ids, s.boxes || '{}'::real[] AS boxes,
               s.zone_set_ids || '{}'::integer[] AS zone_set_ids, s.states || ''::bytea AS states OFFSET 0) d
    CROSS JOIN LATERAL generate_subscripts(d.class_ids, 1) i WHERE %[2]s GROUP BY 1, 2, 3
)
SELECT c.name AS camera, x, y, coalesce(n, 0) AS n, frames, seconds, dropped
FROM watched LEFT JOIN cells USING (camera_id) JOIN cameras c ON c.id = camera_id ORDER BY `+s.byName("c.name")+`, y, x`, where, which, grid, s.wholeMinutes())
	},
}

// wholeMinutes are the filter's camera, run and times as conditions on a table of minutes s: on the
// minutes that are in that time as a whole.
func (s *statement) wholeMinutes() conditions {
	c := s.of()
	if !s.Since.IsZero() {
		c = append(c, "s.minute >= "+s.arg(s.Since))
	}
	if !s.Until.IsZero() {
		c = append(c, "s.minute <= "+s.arg(s.Until.Add(-time.Minute)))
	}
	return c
}

func (f Filter) grid() int {
	if f.Grid == 0 {
		return DefaultGrid
	}
	return f.Grid
}
