package ingest

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"gocv.io/x/gocv"
)

// The clock is two rows of 64 dark or bright cells at the top of a picture:
//
//	row 0: the time in microseconds since 1970, 64 bits, highest first
//	row 1: the frame's number, 32 bits, then the CRC-32 of the 12 bytes before
//
// Cells are wide enough to survive compression, and the CRC detects a clock that
// did not.
const clockColumns, clockRows = 64, 2

// writeClock draws the clock into a picture of at least 64 columns.
func writeClock(m *gocv.Mat, seq int64, at time.Time) {
	pix, err := m.DataPtrUint8()
	if err != nil {
		return
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(at.UnixMicro()))
	binary.BigEndian.PutUint32(b[8:], uint32(seq))
	binary.BigEndian.PutUint32(b[12:], crc32.ChecksumIEEE(b[:12]))
	cell, stride := m.Cols()/clockColumns, 3*m.Cols()
	for y := range min(clockRows*cell, m.Rows()) {
		for x := range clockColumns * cell {
			bit := y/cell*clockColumns + x/cell
			v := 64 + b[bit/8]>>(7-bit%8)&1*128
			i := y*stride + 3*x
			pix[i], pix[i+1], pix[i+2] = v, v, v
		}
	}
}
