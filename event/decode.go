package event

import (
	"fmt"
	"slices"
	"sync"

	json "github.com/go-json-experiment/json/v1"
)

// DecodeSighting decodes and validates a sighting, its labels spelled as
// ClassName does. An error means that this value will never decode, however
// often it is read.
//
// JSON as Encode writes it, which nearly all of a log is, is read by a scanner of its own,
// everything else by the general decoder. Both give the same value or the same error: the
// scanner reads a record to its end or leaves it to the other.
func DecodeSighting(b []byte) (*Sighting, error) {
	s := new(Sighting)
	d := decoders.Get().(*decoder)
	scanned := d.sighting(b, s)
	decoders.Put(d)
	if scanned {
		return s.Accept()
	}
	return decodeGeneral(b)
}

// decodeGeneral is DecodeSighting with the general decoder.
func decodeGeneral(b []byte) (*Sighting, error) {
	var s Sighting
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("decode sighting: %w", err)
	}
	return s.Accept()
}

// Accept validates a decoded sighting and spells its labels.
func (s *Sighting) Accept() (*Sighting, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("decode sighting %q: %w", s.EventID, err)
	}
	for i := range s.Objects {
		s.Objects[i].Label = ClassName(s.Objects[i].Label)
	}
	return s, nil
}

// decoders are those that are not in use, with the strings that they have seen.
var decoders = sync.Pool{New: func() any { return &decoder{names: make(map[string]string)} }}

// decoder scans sightings. It keeps what the next one needs again.
type decoder struct {
	names   map[string]string // names that nearly every record has
	objects []Object
	tracks  []int64
	zones   []string
}

// Bounds of decoder.names.
const (
	maxNames      = 1000
	maxNameLength = 64
)

// name returns b as a string, without memory for one that was seen before.
func (d *decoder) name(b []byte) string {
	if s, ok := d.names[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(s) > maxNameLength {
		return s
	}
	if len(d.names) >= maxNames {
		clear(d.names)
	}
	d.names[s] = s
	return s
}

// sighting scans b into s, and reports whether it could. If not, s is undefined.
func (d *decoder) sighting(b []byte, s *Sighting) bool {
	c := scanner{b: b}
	c.skip(`{"schema_version":`)
	s.SchemaVersion = int(c.integer())
	c.skip(`,"event_id":`)
	s.EventID = string(c.text())
	c.skip(`,"camera":`)
	camera := c.text()
	c.skip(`,"run":`)
	run := c.text()
	s.Camera, s.Run = partsOf(s.EventID, camera, run)
	c.skip(`,"seq":`)
	s.Seq = c.integer()
	c.skip(`,"source_kind":`)
	s.SourceKind = SourceKind(d.name(c.text()))
	c.skip(`,"pts_us":`)
	s.PTS = c.integer()

	c.skip(`,"captured_at":`)
	s.CapturedAt = c.time()
	c.skip(`,"grabbed_at":`)
	s.GrabbedAt = c.time()
	c.skip(`,"decoded_at":`)
	s.DecodedAt = c.time()
	c.skip(`,"inferred_at":`)
	s.InferredAt = c.time()
	c.skip(`,"produced_at":`)
	s.ProducedAt = c.time()

	c.skip(`,"frame":{"width":`)
	s.Frame.Width = int(c.integer())
	c.skip(`,"height":`)
	s.Frame.Height = int(c.integer())
	c.skip(`},"dropped_before":`)
	s.DroppedBefore = c.integer()
	c.skip(`,"model":{"name":`)
	s.Model.Name = d.name(c.text())
	c.skip(`,"sha256":`)
	s.Model.SHA256 = d.name(c.text())
	c.skip(`,"input":[`)
	s.Model.Input[0] = int(c.integer())
	c.skip(`,`)
	s.Model.Input[1] = int(c.integer())
	c.skip(`],"provider":`)
	s.Model.Provider = d.name(c.text())
	c.skip(`},"objects":`)
	s.Objects = d.list(&c)
	c.skip(`}`)
	return !c.failed && c.at == len(b)
}

// partsOf returns camera and run, as parts of the event's id if it begins with both.
func partsOf(id string, camera, run []byte) (string, string) {
	n := len(camera) + 1 + len(run)
	if len(id) > n && id[:len(camera)] == string(camera) && id[len(camera)] == '/' && id[len(camera)+1:n] == string(run) {
		return id[:len(camera)], id[len(camera)+1 : n]
	}
	return string(camera), string(run)
}

// list scans the objects, whose track ids share one array.
func (d *decoder) list(c *scanner) []Object {
	d.objects, d.tracks = d.objects[:0], d.tracks[:0]
	c.skip(`[`)
	for !c.failed && !c.take(`]`) {
		if len(d.objects) > 0 {
			c.skip(`,`)
		}
		d.objects = append(d.objects, Object{})
		d.object(c, &d.objects[len(d.objects)-1])
	}
	objects, tracks := append(make([]Object, 0, len(d.objects)), d.objects...), slices.Clone(d.tracks)
	for i := range objects {
		if objects[i].TrackID != nil {
			objects[i].TrackID, tracks = &tracks[0], tracks[1:]
		}
	}
	return objects
}

var tracked = new(int64) // stands for an id in decoder.tracks

func (d *decoder) object(c *scanner, o *Object) {
	c.skip(`{"index":`)
	o.Index = int(c.integer())
	c.skip(`,"class_id":`)
	o.ClassID = int(c.integer())
	c.skip(`,"label":`)
	o.Label = d.name(c.text())
	c.skip(`,"score":`)
	o.Score = c.float()
	c.skip(`,"box":[`)
	o.Box[0] = c.float()
	for i := 1; i < len(o.Box); i++ {
		c.skip(`,`)
		o.Box[i] = c.float()
	}
	c.skip(`]`)
	if c.take(`,"track_id":`) {
		d.tracks = append(d.tracks, c.integer())
		o.TrackID = tracked
	}
	if c.take(`,"state":`) {
		o.State = d.name(c.text())
	}
	if c.take(`,"zones":[`) {
		d.zones = append(d.zones[:0], d.name(c.text()))
		for c.take(`,`) {
			d.zones = append(d.zones, d.name(c.text()))
		}
		c.skip(`]`)
		o.Zones = slices.Clone(d.zones)
	}
	c.skip(`}`)
}
