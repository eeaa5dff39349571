package produce

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
)

// A value begins with the number of its producer (4 bytes) and that of the record among the
// producer's (8 bytes), big endian; the rest is text.
const headerSize = 12

// payloads are texts as a sighting has them, about as easy to compress, the same in each run.
type payloads []string

func newPayloads(size int) payloads {
	const variants = 64
	r := rand.New(rand.NewPCG(1, 2))
	all := make(payloads, variants)
	for i := range all {
		var b strings.Builder
		for n := 0; b.Len() < size; n++ {
			fmt.Fprintf(&b, `{"index":%d,"label":"person","score":%.5f,"box":[%.3f,%.3f,%.3f,%.3f],"track_id":%d},`,
				n, r.Float64(), r.Float64()*768, r.Float64()*576, r.Float64()*768, r.Float64()*576, r.IntN(1000))
		}
		all[i] = b.String()[:size-headerSize]
	}
	return all
}

// value returns the n-th record's value of a producer.
func (p payloads) value(producer int, n int64) []byte {
	text := p[n%int64(len(p))]
	v := make([]byte, 0, headerSize+len(text))
	v = binary.BigEndian.AppendUint32(v, uint32(producer))
	v = binary.BigEndian.AppendUint64(v, uint64(n))
	return append(v, text...)
}

// header reads whose record a value is; ok is false if it is none of ours.
func header(value []byte) (producer int, n int64, ok bool) {
	if len(value) < headerSize {
		return 0, 0, false
	}
	return int(binary.BigEndian.Uint32(value)), int64(binary.BigEndian.Uint64(value[4:])), true
}
