package compare

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sightlog/sightlog/pipeline"
)

// played is what produce.py says at its end.
type played struct {
	Cameras []struct {
		Name     string `json:"name"`
		Interval int64  `json:"interval_us"`
		Phase    int64  `json:"phase_us"`
		Sent     int64  `json:"sent"`
		Acked    int64  `json:"acked"`
	} `json:"cameras"`
	Errors []string `json:"errors"`
}

// parsePlayed reads the report of a producer that played these cameras for so long.
func parsePlayed(text string, cameras int, length time.Duration) (all []pipeline.CameraStatus, interval time.Duration, err error) {
	var p played
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return nil, 0, fmt.Errorf("read the producer's report: %w", err)
	}
	if len(p.Errors) > 0 {
		return nil, 0, fmt.Errorf("the producer's records were refused: %s", p.Errors[0])
	}
	if len(p.Cameras) != cameras {
		return nil, 0, fmt.Errorf("the producer reports %d of %d cameras", len(p.Cameras), cameras)
	}
	for _, c := range p.Cameras {
		if c.Interval <= 0 || c.Phase < 0 {
			return nil, 0, fmt.Errorf("the producer reports an interval of %d µs for %s", c.Interval, c.Name)
		}
		due := (length.Microseconds() - c.Phase + c.Interval - 1) / c.Interval // rounded up: frame 0 is due at once
		all = append(all, pipeline.CameraStatus{
			ID: c.Name, Run: c.Name + "-run", Total: due, Frames: c.Sent, Sent: c.Sent, Acked: c.Acked,
		})
		interval = max(interval, time.Duration(c.Interval)*time.Microsecond)
	}
	return all, interval, nil
}
