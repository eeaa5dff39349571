package sink

import (
	"math/bits"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

type cameraHalfHour struct {
	camera   int32
	halfHour time.Time
	run      int32
}

// halfHourRow is what sightings add to a row of camera_half_hours.
type halfHourRow struct {
	cameraHalfHour
	frames, people, maxPeople, detections, dropped int64

	seconds [halfHourSeconds / 8]byte // bit n from the left: a frame in second n
}

const halfHourSeconds = 1800

// halfHourOf returns the key of the sighting's half hour.
func halfHourOf(s *sightingRow) cameraHalfHour {
	return cameraHalfHour{s.camera, s.CapturedAt.UTC().Truncate(halfHourSeconds * time.Second), s.run}
}

func (h *halfHourRow) add(s *sightingRow) {
	h.cameraHalfHour = halfHourOf(s)
	h.frames++
	h.people += int64(s.people)
	h.detections += int64(len(s.Objects))
	h.dropped += s.DroppedBefore
	h.maxPeople = max(h.maxPeople, int64(s.people))
	second := int(s.CapturedAt.Sub(h.halfHour) / time.Second)
	h.seconds[second/8] |= 0x80 >> (second % 8)
}

func (h *halfHourRow) bits() pgtype.Bits {
	return pgtype.Bits{Bytes: h.seconds[:], Len: halfHourSeconds, Valid: true}
}

func (h *halfHourRow) secondsCount() (n int64) {
	for _, b := range h.seconds {
		n += int64(bits.OnesCount8(b))
	}
	return n
}

var halfHourTable = newTable("camera_half_hours", `ON CONFLICT (camera_id, half_hour, run_id) DO UPDATE SET
    frames = camera_half_hours.frames + excluded.frames, people = camera_half_hours.people + excluded.people,
    detections = camera_half_hours.detections + excluded.detections, dropped = camera_half_hours.dropped + excluded.dropped,
    max_people = greatest(camera_half_hours.max_people, excluded.max_people), seconds = camera_half_hours.seconds | excluded.seconds,
    seconds_count = length(replace((camera_half_hours.seconds | excluded.seconds)::text, '0', ''))`,
	col("camera_id", "integer[]", func(h *halfHourRow) int32 { return h.camera }),
	col("half_hour", "timestamptz[]", func(h *halfHourRow) time.Time { return h.halfHour }),
	col("run_id", "integer[]", func(h *halfHourRow) int32 { return h.run }),
	col("frames", "bigint[]", func(h *halfHourRow) int64 { return h.frames }),
	col("people", "bigint[]", func(h *halfHourRow) int64 { return h.people }),
	col("max_people", "bigint[]", func(h *halfHourRow) int64 { return h.maxPeople }),
	col("detections", "bigint[]", func(h *halfHourRow) int64 { return h.detections }),
	col("dropped", "bigint[]", func(h *halfHourRow) int64 { return h.dropped }),
	col("seconds", "varbit[]", (*halfHourRow).bits),
	col("seconds_count", "bigint[]", (*halfHourRow).secondsCount),
)
