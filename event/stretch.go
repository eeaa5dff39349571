package event

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// A run is divided into stretches of StretchLength, the first at its beginning. An audit asks
// what was missed in those in which a person was near the line, from StretchReach before
// until as long after. Of some, which are drawn at random, pictures are kept StretchEvery.
const (
	StretchLength = 10 * time.Second
	StretchReach  = 2 * time.Second
	StretchEvery  = 500 * time.Millisecond
	StretchesADay = int(24 * time.Hour / StretchLength)
)

// StretchTrack is the TrackID of a Snapshot of a stretch; tracks count from 1. Its Crossing is
// the number of the stretch, and its Step that of the picture in it.
const StretchTrack = 0

// stretchPictures is how many pictures a stretch has at most.
const stretchPictures = int(StretchLength / StretchEvery)

// StretchDrawn reports whether pictures of a stretch of a run are kept where those of so many a
// day are. It depends on nothing that happens in the stretch, so that those which are drawn
// stand for all, and is the same whenever a run is read again.
func StretchDrawn(run string, stretch int64, aDay int) bool {
	key := append(binary.BigEndian.AppendUint64(nil, uint64(stretch)), run...)
	sum := sha256.Sum256(key)
	return binary.BigEndian.Uint64(sum[:])%uint64(StretchesADay) < uint64(max(0, aDay))
}
