package ingest

import (
	"encoding/binary"
	"hash/crc32"
	"testing"
	"time"

	"gocv.io/x/gocv"
)

// Fingerprint is a file's, whatever is in it.
func Fingerprint(t *testing.T, path string) string {
	t.Helper()
	digest, err := fingerprint(path)
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// ReadClock reads the number and the time that a picture of the test source
// carries; ok is false where there is none that can be read.
func ReadClock(m *gocv.Mat) (seq int64, at time.Time, ok bool) {
	cell := m.Cols() / clockColumns
	if cell == 0 || m.Rows() < clockRows*cell || m.Type() != gocv.MatTypeCV8UC3 {
		return 0, time.Time{}, false
	}
	var b [16]byte
	for bit := range 8 * len(b) {
		if m.GetUCharAt(bit/clockColumns*cell+cell/2, 3*(bit%clockColumns*cell+cell/2)) > 127 {
			b[bit/8] |= 1 << (7 - bit%8)
		}
	}
	if crc32.ChecksumIEEE(b[:12]) != binary.BigEndian.Uint32(b[12:]) {
		return 0, time.Time{}, false
	}
	return int64(binary.BigEndian.Uint32(b[8:])), time.UnixMicro(int64(binary.BigEndian.Uint64(b[:]))), true
}
