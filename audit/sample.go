package audit

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/sightlog/sightlog/event"
)

// Kind is the stratum of a unit.
type Kind string

// The kinds: a crossing that was counted in or out, and a stretch of time near the line.
const (
	In      Kind = event.In
	Out     Kind = event.Out
	Stretch Kind = "stretch"
)

// kinds are the strata, and the weights by which they share a sample.
var kinds = []struct {
	kind   Kind
	weight int
}{{In, 1}, {Out, 1}, {Stretch, 2}}

// Unit is a part of the population: a crossing, or a stretch.
type Unit struct {
	Kind        Kind
	Run         int           // index in Population.Runs
	From, Until time.Duration // positions in the source: of a crossing its frame's, of a stretch its ends
	Seq         int64         // of a crossing: its frame
	TrackID     int64         // of a crossing
}

// Sizes are the numbers of units of each kind.
type Sizes struct{ In, Out, Stretches int } // Stretches is -1 if none is asked

// unasked is the number of stretches of an audit that asks none: of snapshots, where none of a
// stretch were kept. Then recall, and all that follows from it, is not defined.
const unasked = -1

// Population is all that an audit may ask.
type Population struct {
	Runs    []Run
	Units   map[Kind][]Unit // in the order of time
	LeftOut int             // stretches in which no detection came near the line
	Expired int             // crossings whose sightings have been deleted: they are not in Units

	// Of an audit of snapshots, Units has only what has pictures.
	Near       int    // stretches near the line, of which those in Units are a random part; 0: Units has all
	NoPictures int    // crossings without pictures
	LostOnes   int    // stretches that were drawn to be kept, and have no pictures
	OtherRuns  int    // runs that kept no pictures of stretches, where others did: they are not audited
	unpictured []Unit // crossings without pictures, which pictures of stretches show
	snapshots  bool
}

// Sizes returns how many units there are.
func (p *Population) Sizes() Sizes {
	n := Sizes{In: len(p.Units[In]), Out: len(p.Units[Out]), Stretches: len(p.Units[Stretch])}
	switch {
	case n.Stretches > 0 && p.Near > 0:
		n.Stretches = p.Near
	case p.snapshots:
		n.Stretches = unasked
	}
	return n
}

// Draw returns a random sample of n units, of fewer if the population has fewer, in a random
// order. A quarter is of crossings in, a quarter of crossings out and half of stretches; a
// kind that has fewer leaves the rest to the others. The first units of the sample are a
// sample, too, so that a user may end early.
func Draw(p *Population, n int, seed uint64) (sample []Unit) {
	for i, size := range allocate(p, n) {
		kind := kinds[i].kind
		random := generator(seed, i)
		for _, k := range random.Perm(len(p.Units[kind]))[:size] {
			sample = append(sample, p.Units[kind][k])
		}
	}
	random := generator(seed, len(kinds))
	random.Shuffle(len(sample), func(i, k int) { sample[i], sample[k] = sample[k], sample[i] })
	return sample
}

// generator returns the random numbers of a stratum. Neighbouring seeds have unrelated ones.
func generator(seed uint64, stratum int) *rand.Rand {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	binary.LittleEndian.PutUint64(key[8:], uint64(stratum))
	return rand.New(rand.NewChaCha8(key))
}

// allocate returns how many of each kind to draw: one unit after the other goes to the kind that
// has the least for its weight.
func allocate(p *Population, n int) []int {
	sizes := make([]int, len(kinds))
	for range n {
		next := -1
		for i, k := range kinds {
			if sizes[i] < len(p.Units[k.kind]) && (next < 0 || sizes[i]*kinds[next].weight < sizes[next]*k.weight) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		sizes[next]++
	}
	return sizes
}
