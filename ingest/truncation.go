package ingest

import (
	"encoding/binary"
	"io"
	"os"
)

// declaredSize reads how many bytes a file claims to have by its outermost
// structure, and how many it has. It knows AVI (RIFF), MP4 (ISO/IEC 14496-12)
// and Matroska (RFC 8794, RFC 9559); what others declare is 0. A file that
// declares more than it has was cut off.
func declaredSize(path string) (declared, size int64) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return 0, 0
	}
	size = st.Size()
	var head [16]byte
	if n, _ := f.ReadAt(head[:], 0); n < len(head) {
		return 0, size
	}
	switch {
	case string(head[:4]) == "RIFF":
		declared = riffEnd(f, size)
	case string(head[4:8]) == "ftyp":
		declared = boxesEnd(f, size)
	case binary.BigEndian.Uint32(head[:4]) == 0x1A45DFA3:
		declared = matroskaEnd(f)
	}
	return declared, size
}

// riffEnd follows the RIFF chunks (an OpenDML file has several).
func riffEnd(f io.ReaderAt, size int64) int64 {
	var at int64
	for range 1024 {
		var h [8]byte
		if _, err := f.ReadAt(h[:], at); err != nil || string(h[:4]) != "RIFF" {
			break
		}
		at += 8 + int64(binary.LittleEndian.Uint32(h[4:]))
		at += at & 1
		if at >= size {
			break
		}
	}
	if at == size+1 { // the last chunk's padding byte is often left out
		return size
	}
	return at
}

// boxesEnd follows the top-level boxes.
func boxesEnd(f io.ReaderAt, size int64) int64 {
	var at int64
	for range 1 << 16 {
		var h [16]byte
		n, _ := f.ReadAt(h[:], at)
		if n < 8 {
			break
		}
		length := int64(binary.BigEndian.Uint32(h[:4]))
		switch {
		case length == 0: // to the end of the file
			return size
		case length == 1 && n == 16:
			length = int64(binary.BigEndian.Uint64(h[8:]))
		}
		if length < 8 || length > 1<<50 {
			return at // not a box, but other data
		}
		at += length
		if at >= size {
			break
		}
	}
	return at
}

// matroskaEnd reads the size of the Segment that follows the EBML header.
func matroskaEnd(f io.ReaderAt) int64 {
	var buf [4096]byte
	n, _ := f.ReadAt(buf[:], 0)
	b := buf[:n]
	length, used, known := ebmlSize(b, 4)
	at := 4 + used + int(min(length, 4096))
	if !known || at+4 > len(b) || binary.BigEndian.Uint32(b[at:]) != 0x18538067 {
		return 0
	}
	length, used, known = ebmlSize(b, at+4)
	if !known || length > 1<<50 {
		return 0
	}
	return int64(at+4+used) + int64(length)
}

// ebmlSize reads a variable-length size at b[at:]; known is false for "until
// the end", which a writer leaves that could not seek.
func ebmlSize(b []byte, at int) (size uint64, used int, known bool) {
	if at >= len(b) || b[at] == 0 {
		return 0, 0, false
	}
	used = 1
	for mask := byte(0x80); b[at]&mask == 0; mask >>= 1 {
		used++
	}
	if at+used > len(b) {
		return 0, 0, false
	}
	size = uint64(b[at]) & (1<<(8-used) - 1)
	ones := size == 1<<(8-used)-1
	for _, v := range b[at+1 : at+used] {
		size = size<<8 | uint64(v)
		ones = ones && v == 0xff
	}
	return size, used, !ones
}
