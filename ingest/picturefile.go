package ingest

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gocv.io/x/gocv"
)

// maxChunks bounds the walk through a picture's structure.
const maxChunks = 4096

// severalPictures returns the kind of a file that holds more than one picture, of
// which the image library would read the first alone: "" if it holds one, or
// is no PNG, WebP or TIFF.
func severalPictures(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var head [30]byte
	n, _ := f.ReadAt(head[:], 0) // a file that is too short is none of these
	switch {
	case bytes.HasPrefix(head[:n], []byte("\x89PNG\r\n\x1a\n")):
		if animatedPNG(f) {
			return "an animated PNG", nil
		}
	case isWebP(head[:n]):
		// Animation is a flag of the extended header, RFC 9649, section 2.7.1.
		if n == len(head) && string(head[12:16]) == "VP8X" && head[20]&0x02 != 0 {
			return "an animated WebP", nil
		}
	case bytes.HasPrefix(head[:n], []byte("II*\x00")):
		return tiffPages(f, binary.LittleEndian), nil
	case bytes.HasPrefix(head[:n], []byte("MM\x00*")):
		return tiffPages(f, binary.BigEndian), nil
	}
	return "", nil
}

// animatedPNG looks for the animation control chunk, which comes before the
// first picture (PNG, third edition, 11.3.6.1).
func animatedPNG(f io.ReaderAt) bool {
	at := int64(8)
	for range maxChunks {
		var h [8]byte
		if _, err := f.ReadAt(h[:], at); err != nil {
			return false
		}
		switch string(h[4:]) {
		case "acTL":
			return true
		case "IDAT", "IEND":
			return false
		}
		at += 12 + int64(binary.BigEndian.Uint32(h[:]))
	}
	return false
}

// tiffPages counts the directories of a TIFF 6.0 file that are pages, which
// smaller versions of another (bit 0 of NewSubfileType) and masks (bit 2) are
// not.
func tiffPages(f io.ReaderAt, order binary.ByteOrder) string {
	pages, at := 0, int64(4)
	for range 64 { // more add nothing
		var next [4]byte
		if _, err := f.ReadAt(next[:], at); err != nil || order.Uint32(next[:]) == 0 {
			break
		}
		dir := int64(order.Uint32(next[:]))
		var count [2]byte
		if _, err := f.ReadAt(count[:], dir); err != nil {
			break
		}
		entries := make([]byte, 12*int(order.Uint16(count[:])))
		if _, err := f.ReadAt(entries, dir+2); err != nil {
			break
		}
		if tiffTag(entries, order, 254)&0b101 == 0 {
			pages++
		}
		at = dir + 2 + int64(len(entries))
	}
	if pages > 1 {
		return "a TIFF of several pages"
	}
	return ""
}

// tiffTag returns the value of a tag that is one number, 0 if it is absent.
func tiffTag(entries []byte, order binary.ByteOrder, tag uint16) uint32 {
	for ; len(entries) >= 12; entries = entries[12:] {
		if order.Uint16(entries) != tag {
			continue
		}
		if order.Uint16(entries[2:]) == 3 { // SHORT, left-justified
			return uint32(order.Uint16(entries[8:]))
		}
		return order.Uint32(entries[8:])
	}
	return 0
}

func isWebP(head []byte) bool {
	return len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP"
}

// webpOrientation returns the EXIF orientation of a WebP file, which OpenCV
// does not apply as it does those of the other formats; 0 if it has none, or
// is no WebP.
func webpOrientation(path string) int {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	var head [12]byte
	if _, err := f.ReadAt(head[:], 0); err != nil || !isWebP(head[:]) {
		return 0
	}
	at := int64(len(head))
	for range maxChunks {
		var h [8]byte
		if _, err := f.ReadAt(h[:], at); err != nil {
			return 0
		}
		length := int64(binary.LittleEndian.Uint32(h[4:]))
		if string(h[:4]) == "EXIF" {
			exif := make([]byte, min(length, 64<<10))
			n, _ := f.ReadAt(exif, at+8)
			return exifOrientation(exif[:n])
		}
		at += 8 + length + length&1
	}
	return 0
}

// exifOrientation reads the tag from the first directory of EXIF data (CIPA
// DC-008, 4.6.4: tag 0x0112).
func exifOrientation(b []byte) int {
	b = bytes.TrimPrefix(b, []byte("Exif\x00\x00")) // some writers keep JPEG's prefix
	if len(b) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.BigEndian
	if b[0] == 'I' {
		order = binary.LittleEndian
	}
	dir := int64(order.Uint32(b[4:]))
	if dir+2 > int64(len(b)) {
		return 0
	}
	entries := b[dir+2:]
	entries = entries[:min(len(entries), 12*int(order.Uint16(b[dir:])))]
	return int(tiffTag(entries, order, 0x0112))
}

// orient makes upright a picture that was stored with an EXIF orientation.
func orient(m *gocv.Mat, orientation int) {
	if orientation >= 5 && orientation <= 8 {
		gocv.Transpose(*m, m) //nolint:errcheck // a picture that was read
	}
	switch orientation {
	case 2, 6:
		gocv.Flip(*m, m, 1) //nolint:errcheck
	case 4, 8:
		gocv.Flip(*m, m, 0) //nolint:errcheck
	case 3, 7:
		gocv.Flip(*m, m, -1) //nolint:errcheck
	}
}

// isImage reports whether the name ends like a picture that the image library
// reads.
func isImage(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm":
		return true
	}
	return false
}
