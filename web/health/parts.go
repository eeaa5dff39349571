package health

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/sink"
)

// Bounds beyond which a part needs a look.
const (
	silentFor   = 15 * time.Second // a camera that delivers nothing
	rateOver    = 5 * time.Second  // the span over which rates are taken
	diskOver    = 10 * time.Minute // what others write meanwhile, as a start does, is no rate
	muchDropped = 0.2              // of a camera's frames
	muchLag     = 10_000           // records
	littleDisk  = 0.05             // of the file system
	soonFull    = 3 * 24 * time.Hour
)

// cameras returns a part for each camera that is not well, or one for all.
func (c *Config) cameras(now sample) (parts []Part) {
	if c.Status == nil {
		return []Part{{Name: "cameras", Level: OK, Detail: "The cameras are read by detect, which runs apart; its own metrics and /healthz have their state."}}
	}
	before := c.earlier(now, silentFor)
	well := 0
	for _, cam := range now.cameras {
		p := Part{Name: "cameras", Camera: cam.ID, Level: Warning}
		moved := func() bool {
			was := before.camera(cam.ID)
			return was == nil || was.Frames+was.Skipped+was.Dropped != cam.Frames+cam.Skipped+cam.Dropped || was.Run != cam.Run
		}
		switch {
		case cam.Waiting != "":
			p.Level, p.Detail, p.Fix = Bad, cam.Waiting, "Check that the broker runs and can be reached; nothing is lost while it waits."
		case cam.Damage != "":
			p.Detail, p.Fix = cam.Damage, "Check the file with ffprobe; what could be read is stored."
		case cam.State == pipeline.Opening && !cam.Retry.IsZero() && cam.Retry.After(now.at):
			p.Level = Bad
			p.Detail = fmt.Sprintf("does not open; it is tried again in %s", cam.Retry.Sub(now.at).Round(time.Second))
			p.Fix = "Check the camera's power, network, address and password: sightlog doctor --source … says why."
		case cam.State == pipeline.Opening && before.camera(cam.ID) != nil:
			p.Detail, p.Fix = "has not opened yet", "Check address and network of the camera."
		case cam.State == pipeline.Running && cam.Live && !moved():
			p.Level = Bad
			p.Detail = fmt.Sprintf("has sent no picture for more than %s", silentFor)
			p.Fix = "Check the camera and its network; it is opened again by itself when it answers."
		default:
			well++
			continue
		}
		parts = append(parts, p)
	}
	switch {
	case len(now.cameras) == 0:
		return []Part{{Name: "cameras", Level: Warning, Detail: "Detect is starting.", Fix: "Wait a moment; if it stays so, the log of sightlog has the reason."}}
	case well > 0:
		parts = append(parts, Part{Name: "cameras", Level: OK, Detail: count(well, "camera is", "cameras are") + " well."})
	}
	return parts
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// detector says how fast frames are detected on, and whether that is fast enough.
func (c *Config) detector(now sample) Part {
	p := Part{Name: "detector", Level: OK}
	if c.Status == nil {
		p.Detail = "Detect runs apart."
		return p
	}
	var frames, dropped, failed, newFrames int64
	var took float64
	slow := ""
	before := c.earlier(now, rateOver)
	for _, cam := range now.cameras {
		n, d, f, sum := cam.Frames, cam.Dropped, cam.Failed, cam.Inference.Sum
		if was := before.camera(cam.ID); was != nil && was.Frames <= cam.Frames {
			n, d, f, sum = n-was.Frames, d-was.Dropped, f-was.Failed, sum-was.Inference.Sum
			newFrames += n
		}
		if cam.Live && float64(d) > muchDropped*float64(n+d) && d > 10 && slow == "" {
			slow = cam.ID
		}
		frames, dropped, failed, took = frames+n, dropped+d, failed+f, took+sum
	}
	switch {
	case failed > 0:
		p.Level, p.Detail = Warning, fmt.Sprintf("It failed on %d frames.", failed)
		p.Fix = "The log of sightlog has the reason; try another --model."
		return p
	case slow != "":
		p.Level, p.Detail = Warning, fmt.Sprintf("It is too slow for camera %s: %d of %d frames were dropped.", slow, dropped, frames+dropped)
		p.Fix = "Give it more --threads, a smaller --side, an fps for the camera, or fewer cameras."
		return p
	case frames == 0:
		p.Detail = "No frame was detected on lately."
		return p
	}
	p.Detail = fmt.Sprintf("A frame takes %.1f ms", 1000*took/float64(frames))
	if before != nil {
		p.Detail += fmt.Sprintf("; %.1f frames a second", float64(newFrames)/now.at.Sub(before.at).Seconds())
	}
	p.Detail += "."
	return p
}

// broker says how the broker is. The lag is also unknown while the database is away, which is no
// fault of the broker.
func broker(f pipeline.Facts, databaseAway bool) Part {
	switch {
	case f.Broker != "":
		return Part{Name: "broker", Level: Bad, Detail: f.Broker, Fix: "Free space on its disk, or mend the disk and start again; what was acknowledged is not lost."}
	case f.LagError != "" && databaseAway:
		return Part{Name: "broker", Level: OK, Detail: "Nothing is known against it; the lag cannot be told without the database."}
	case f.LagError != "":
		return Part{Name: "broker", Level: Bad, Detail: "the lag is unknown: " + f.LagError, Fix: "Check that broker and database run and can be reached."}
	case f.OwnBroker:
		return Part{Name: "broker", Level: OK, Detail: "The bundled broker answers."}
	}
	return Part{Name: "broker", Level: OK, Detail: "The brokers answer."}
}

func lag(f pipeline.Facts) Part {
	p := Part{Name: "lag", Level: OK, Detail: count(int(f.Lag), "record is", "records are") + " not in the tables yet."}
	stopped := ""
	for _, b := range f.Blocked {
		p.Level = Bad
		p.Detail = b.String()
		p.Fix = "It is retried; the reason is in the message."
		if b.State == sink.Stopped && stopped == "" {
			stopped = b.String()
		}
	}
	switch {
	case stopped != "":
		p.Detail = stopped
		p.Fix = "Put the right log back, or start once with --from earliest; for a corrupt batch --skip (docs/troubleshooting.md)."
	case p.Level != OK:
	case f.Lag < 0:
		p.Level, p.Detail, p.Fix = Bad, "It is not known.", "Check that broker and database run and can be reached."
	case f.Lag == 0:
		p.Detail = "Everything in the log is in the tables."
	case f.Lag > muchLag:
		p.Level, p.Fix = Warning, "The tables fall behind: check the database's disk and load, or give more --sinks."
	}
	return p
}

func (c *Config) database(ctx context.Context, f pipeline.Facts) Part {
	if f.Database != "" {
		fix := "It starts again by itself; what comes meanwhile waits in the log."
		if strings.Contains(f.Database, "space") || strings.Contains(f.Database, "full") {
			fix = "Free space on its disk; it starts again by itself, and what comes meanwhile waits in the log."
		}
		return Part{Name: "database", Level: Bad, Detail: f.Database, Fix: fix}
	}
	var size int64
	if err := c.Pool.QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&size); err != nil {
		c.Log.Debug("health: database", "err", err)
		return Part{Name: "database", Level: Bad, Detail: "It does not answer.", Fix: "Check that PostgreSQL runs and can be reached; what comes meanwhile waits in the log."}
	}
	return Part{Name: "database", Level: OK, Detail: fmt.Sprintf("It answers, and has %s.", bytes(float64(size)))}
}

// disk says how much room there is, and when it is used up if it goes on as in the last hour
// that was watched.
func (c *Config) disk(now sample) (Part, bool) {
	if now.size == 0 {
		return Part{}, false
	}
	p := Part{Name: "disk", Level: OK, Detail: fmt.Sprintf("%s of %s are free", bytes(float64(now.free)), bytes(float64(now.size)))}
	const fix = "Free space, keep rows for a shorter time (--keep), or store fewer of them (--store people)."
	if float64(now.free) < littleDisk*float64(now.size) {
		p.Level, p.Fix = Warning, fix
	}
	if c.earlier(now, diskOver) != nil && c.before[0].size == now.size && c.before[0].free > now.free {
		oldest := c.before[0]
		left := time.Duration(float64(now.free) / (float64(oldest.free-now.free) / now.at.Sub(oldest.at).Seconds()) * float64(time.Second))
		switch days := left.Hours() / 24; {
		case left < 0 || days > 3650: // also where a duration overflows
		case days >= 2:
			p.Detail += fmt.Sprintf("; full in about %.0f days at this rate", days)
		default:
			p.Detail += fmt.Sprintf("; full in about %s at this rate", count(int(left.Hours()+0.5), "hour", "hours"))
		}
		if left > 0 && left < soonFull {
			p.Level, p.Fix = Warning, fix
		}
	}
	if now.free < 64<<20 {
		p.Level, p.Fix = Bad, fix
	}
	p.Detail += "."
	return p, true
}

// bytes writes a number of bytes for people.
func bytes(n float64) string {
	units := []string{"B", "KB", "MB", "GB", "TB", "PB"}
	i := 0
	for n >= 1000 && i < len(units)-1 {
		n, i = n/1000, i+1
	}
	if n < 10 && i > 0 {
		return fmt.Sprintf("%.1f %s", n, units[i])
	}
	return fmt.Sprintf("%.0f %s", n, units[i])
}
