package sink

import (
	"maps"
	"slices"

	"github.com/sightlog/sightlog/internal/natural"
)

// Figures are the totals of a minute of a camera by their names: those of ofCamera; of a zone
// "zone NAME people" and so on; of a line "line NAME in" and "line NAME out". One that is not
// there is 0.
type Figures map[string]int64

// ofCamera are the figures that every minute has, in their order.
var ofCamera = []string{"frames", "people_frames", "people", "max_people", "detections", "dropped", "seconds"}

// Proof is a minute's figures as the tables have them and as the log's records give
// them, with what identifies these records.
type Proof struct {
	Tables, Log Figures
	Records     []string // of each partition: topic/partition, first and last offset, number
	Models      []string // name and SHA-256 of each model that produced them
	Digest      string   // SHA-256 over the digests of the records, in the order of their partitions and offsets
	Gone        []string // partitions whose beginning the log has no more: they may have had records of the minute
}

// Figure is one figure of a Proof.
type Figure struct {
	Name        string
	Tables, Log int64
}

// Figures lists the figures.
func (p *Proof) Figures() (all []Figure) {
	others := slices.AppendSeq(slices.Collect(maps.Keys(p.Tables)), maps.Keys(p.Log))
	others = slices.DeleteFunc(others, func(name string) bool { return slices.Contains(ofCamera, name) })
	natural.Sort(others)
	for _, name := range slices.Concat(ofCamera, slices.Compact(others)) {
		all = append(all, Figure{name, p.Tables[name], p.Log[name]})
	}
	return all
}

// Equal reports whether the tables have the figures of the log.
func (p *Proof) Equal() bool {
	return !slices.ContainsFunc(p.Figures(), func(f Figure) bool { return f.Tables != f.Log })
}

// count counts the people of a frame into the figures whose names begin with of.
func (f Figures) count(of string, people int64) {
	if people > 0 {
		f[of+"people_frames"]++
	}
	f[of+"people"] += people
	f[of+"max_people"] = max(f[of+"max_people"], people)
}
